"""Characters: what a request's encoding can hold, and in which encoding an answer really is.

An mServer speaks Windows-1250. A character that it lacks is replaced by the closest
it has, letter by letter, so that a name stays readable on a parcel.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import IO, Final

from stock.warehouses.errors import Unreadable
from stock.warehouses.pohoda.romanisation import REPLACEMENTS

WINDOWS_1250: Final = "windows-1250"
UTF_8: Final = "utf-8"
CHUNK_BYTES: Final = 65_536
_DECLARATION_BYTES: Final = 200

_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_READABLE: Final = frozenset({WINDOWS_1250, UTF_8, "us-ascii", "iso-8859-2"})
_UTF_8_MARK: Final = b"\xef\xbb\xbf"
# Bytes that Windows-1250 leaves undefined (as the Unicode Consortium's CP1250.TXT maps it).
_UNDEFINED: Final = (0x81, 0x83, 0x88, 0x90, 0x98)


def holds(text: str, encoding: str) -> bool:
    """Whether the encoding, and XML, can hold every character of the text as it is."""
    if _NOT_XML.search(text):
        return False
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def adapted(text: str, encoding: str) -> str:
    """The text in characters that the encoding and XML can hold."""
    composed = unicodedata.normalize("NFC", _NOT_XML.sub("", text))
    if holds(composed, encoding):
        return composed
    return "".join(_closest(sign, encoding) for sign in composed)


@lru_cache(4096)
def _closest(sign: str, encoding: str) -> str:
    """The closest that the encoding has: by table, else the sign without its marks, else "?"."""
    if holds(sign, encoding):
        return sign
    if sign in REPLACEMENTS:
        return REPLACEMENTS[sign]
    category = unicodedata.category(sign)
    if category in {"Mn", "Me", "Cf", "Cc", "Co", "Cn"}:
        return ""
    if category == "Zs":
        return " "
    parts = unicodedata.normalize("NFKD", sign)
    if parts == sign:
        return "?"
    return "".join(_closest(part, encoding) for part in parts if not unicodedata.combining(part))


def declared_charset(head: bytes) -> str:
    """The charset that the first bytes of a document declare; UTF-8 where they are silent.

    Raises Unreadable where it is none that can be expected.
    """
    if head.startswith(_UTF_8_MARK):
        return UTF_8
    found = _DECLARED.match(head[:_DECLARATION_BYTES])
    name = found.group(1).decode("ascii").lower() if found else UTF_8
    charset = {"cp1250": WINDOWS_1250, "utf8": UTF_8}.get(name, name)
    if charset not in _READABLE:
        raise Unreadable(
            f"Pohoda's answer declares the charset {charset}, which it never uses.",
            "Check that the address leads to the mServer itself.",
        )
    return charset


def actual_charset(document: IO[bytes]) -> str:
    """The charset that the document is really in; leaves it at its beginning.

    That is the declared one, unless the bytes say otherwise: an installation
    was seen whose bytes don't match the declaration.
    """
    document.seek(0)
    declared = declared_charset(document.read(_DECLARATION_BYTES))
    actual = declared
    if declared in {WINDOWS_1250, UTF_8}:
        beyond_ascii = _utf_8_signs(document)
        if declared == UTF_8 and beyond_ascii is None:
            actual = WINDOWS_1250
        elif declared == WINDOWS_1250 and beyond_ascii and _is_evident(beyond_ascii):
            actual = UTF_8
    document.seek(0)
    return actual


def chunks_of(document: IO[bytes]) -> Iterable[bytes]:
    """The document in pieces, from where it stands."""
    return iter(lambda: document.read(CHUNK_BYTES), b"")


def _utf_8_signs(document: IO[bytes]) -> set[str] | None:
    """The characters beyond ASCII, read as UTF-8; None where the bytes are not UTF-8."""
    document.seek(0)
    decoder = codecs.getincrementaldecoder(UTF_8)()
    signs: set[str] = set()
    try:
        for chunk in chunks_of(document):
            text = decoder.decode(chunk)
            if not text.isascii():
                signs.update(sign for sign in set(text) if not sign.isascii())
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return signs


def _is_evident(signs: set[str]) -> bool:
    """Whether bytes that are UTF-8 throughout can hardly have been meant as Windows-1250.

    They can't where Windows-1250 leaves a byte undefined. Else each sign must
    be one that Pohoda can hold, and one must read as a letter with a symbol
    behind it ("Ă©" for "é"); "PÄŤ" alone may be a Slovak word.
    """
    encoded = [sign.encode(UTF_8) for sign in signs]
    if any(byte in _UNDEFINED for sequence in encoded for byte in sequence):
        return True
    return all(holds(sign, WINDOWS_1250) for sign in signs) and any(
        not sequence[1:].decode(WINDOWS_1250).isalpha() for sequence in encoded
    )
