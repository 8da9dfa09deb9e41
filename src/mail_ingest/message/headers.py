"""The header block of a mail, taken apart in one way only.

Two readers that split one mail differently are how forged mail is made: one
judges this From, the other shows that one. So the block is split here, strictly,
and everybody asks this module. What the grammar of RFC 5322 does not know is
refused rather than guessed at.
"""

import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

HEADERS_MAX: Final = 300
HEADER_BLOCK_BYTES_MAX: Final = 128 * 1024
ENCODED_WORDS_MAX: Final = 1_000

_LINE = re.compile(rb"([^\n]*)(?:\n|\Z)")
_NAME = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,128}):")
_ENCODED_WORD = re.compile(
    rb"=\?([A-Za-z0-9._:+-]{1,40})(?:\*[A-Za-z0-9-]{1,40})?\?([bBqQ])\?([^?\s]*)\?="
)
_BETWEEN_ENCODED_WORDS = re.compile(rb"(\?=)[ \t\r\n]+(?==\?)")
_QUOTED = re.compile(rb"=([0-9A-Fa-f]{2})")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# Names that banks' mailers write for what Python knows under another name.
_CHARSETS: Final = {
    "cp-1250": "cp1250",
    "x-cp1250": "cp1250",
    "win-1250": "cp1250",
    "windows1250": "cp1250",
    "latin-2": "iso8859_2",
    "iso-latin-2": "iso8859_2",
}
_TEXT_CHARSETS: Final = re.compile(
    r"(?:us-?)?ascii|utf[-_]?8|(?:cp|windows-)?125\d|iso[-_]?8859[-_]\d{1,2}|(?:iso-)?latin-?\d{1,2}"
    r"|x-cp1250|cp-1250|win-1250|windows125\d|koi8-[ru]|mac(?:roman|latin2)|cp85\d"
)


class MessageError(Exception):
    """These bytes can't be read as a mail; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Header:
    """One header field: its name as written, its value unfolded, as raw bytes."""

    name: str
    value: bytes
    # The name in the form in which names are compared.
    key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.name.lower())


def split(raw: bytes) -> tuple[tuple[Header, ...], bytes]:
    """Take the header block and the body apart.

    Lines may end in CRLF or LF. Raises MessageError for more than HEADERS_MAX
    fields, a block longer than HEADER_BLOCK_BYTES_MAX, a line that is neither a
    field nor a continuation, and bytes that programs read differently (NUL, a
    carriage return of its own).
    """
    headers: list[tuple[str, list[bytes]]] = []
    for match in _LINE.finditer(raw, 0, HEADER_BLOCK_BYTES_MAX + 1):
        if match.end() > HEADER_BLOCK_BYTES_MAX:
            raise MessageError(f"its headers are longer than {HEADER_BLOCK_BYTES_MAX} bytes")
        line = match.group(1).removesuffix(b"\r")
        if not line:
            return _unfolded(headers), raw[match.end() :]
        _check_line(line)
        if line[:1] in {b" ", b"\t"}:
            if not headers:
                raise MessageError("its first header line is a continuation of nothing")
            headers[-1][1].append(line)
            continue
        name = _NAME.match(line)
        if name is None:
            raise MessageError(f"line {_shown(line)} is not a header field")
        if len(headers) >= HEADERS_MAX:
            raise MessageError(f"it has more than {HEADERS_MAX} header fields")
        headers.append((name.group(1).decode("ascii"), [line[name.end() :]]))
    return _unfolded(headers), b""


def values(headers: Iterable[Header], name: str) -> tuple[bytes, ...]:
    """Return the raw values of all fields of this name, from the top down."""
    wanted = name.lower()
    return tuple([header.value for header in headers if header.key == wanted])


def text(value: bytes) -> str:
    """Read a value as people do: encoded words decoded, 8-bit bytes as text, no controls.

    Raw 8-bit bytes are UTF-8 or else windows-1250, so that no byte is lost.
    For showing and for templates' anchors; addresses are never taken from it.
    """
    joined = _BETWEEN_ENCODED_WORDS.sub(rb"\1", value)
    parts: list[str] = []
    end = 0
    pending: tuple[str, bytes] | None = None
    for count, match in enumerate(_ENCODED_WORD.finditer(joined)):
        if count >= ENCODED_WORDS_MAX:
            break
        charset = match.group(1).decode("ascii")
        content = _content(match.group(2), match.group(3))
        between = joined[end : match.start()]
        end = match.end()
        # Mailers cut a word in the middle of a character: bytes are joined before decoding.
        if pending is not None and not between and pending[0].lower() == charset.lower():
            pending = (charset, pending[1] + content)
            continue
        if pending is not None:
            parts.append(decoded(pending[1], pending[0]))
        parts.append(decoded(between, None))
        pending = (charset, content)
    if pending is not None:
        parts.append(decoded(pending[1], pending[0]))
    parts.append(decoded(joined[end:], None))
    return _CONTROLS.sub(" ", "".join(parts)).strip()


def decoded(data: bytes, charset: str | None) -> str:
    """Decode bytes by the charset they claim; without losing one, whatever they claim.

    UTF-8 that is none, and charsets nobody knows, are read as UTF-8 or else as
    windows-1250. Only charsets of text are believed.
    """
    claimed = (charset or "utf-8").strip().strip("\"'").lower()
    name = _CHARSETS.get(claimed, claimed) if _TEXT_CHARSETS.fullmatch(claimed) else "utf-8"
    for attempt in (name, "utf-8", "cp1250"):
        try:
            return data.decode(attempt)
        except (UnicodeDecodeError, LookupError):
            continue
    return data.decode("cp1250", errors="replace")


def _unfolded(headers: Sequence[tuple[str, list[bytes]]]) -> tuple[Header, ...]:
    return tuple(Header(name, b"".join(lines).strip(b" \t")) for name, lines in headers)


def _check_line(line: bytes) -> None:
    if b"\r" in line:
        raise MessageError("a header line holds a carriage return that ends no line")
    if b"\x00" in line:
        raise MessageError("a header line holds a NUL byte")


def _content(encoding: bytes, content: bytes) -> bytes:
    if encoding in {b"q", b"Q"}:
        spaced = content.replace(b"_", b" ")
        return _QUOTED.sub(lambda match: bytes((int(match.group(1), 16),)), spaced)
    try:
        return binascii.a2b_base64(content + b"=" * (-len(content) % 4), strict_mode=True)
    except binascii.Error:
        return content


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("ascii", "replace"))
