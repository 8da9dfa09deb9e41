"""A mail opened for reading: its headers and the texts that a template may choose from."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from mail_ingest.message.headers import Header, MessageError, split, text, values
from mail_ingest.message.html import html_links, html_to_text
from mail_ingest.message.structure import MESSAGE_BYTES_MAX, Part, leaves
from mail_ingest.message.text import Text

ARCHIVE_NAMES_MAX: Final = 10

_PGP_ARMOUR: Final = b"-----BEGIN PGP MESSAGE-----"

_ARCHIVE_TYPES: Final = frozenset({"application/zip", "application/x-zip-compressed"})
_ENCRYPTED_TYPES: Final = frozenset({"application/pgp-encrypted"})
_ENVELOPED: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


@dataclass(frozen=True, slots=True, order=True)
class Anchor:
    """Where a form's first words stand: in which text of the mail, and where in it."""

    text: int
    place: int


@dataclass(frozen=True, slots=True)
class Message:
    """One mail. Its texts are converted when they are asked for, and once."""

    headers: tuple[Header, ...]
    subject: str
    # The PGP or S/MIME wrapping that can't be read, in words; None when it is readable.
    encryption: str | None
    # ZIP files among the attachments, by name: noted, never opened.
    archives: tuple[str, ...]
    _plain: tuple[Part, ...]
    _html: tuple[Part, ...]
    _texts: list[Text] = field(default_factory=list, compare=False, repr=False)

    def texts(self) -> Iterator[Text]:
        """Go through the texts in the order of choice: each text/plain, then the first text/html.

        Raises MessageError where a part can't be decoded.
        """
        yield from self._texts
        for place in range(len(self._texts), len(self._plain)):
            self._texts.append(Text.of(self._plain[place].text().replace("\t", " ")))
            yield self._texts[-1]
        if self._html and len(self._texts) == len(self._plain):
            self._texts.append(Text.of(html_to_text(self._html[0].text())))
            yield self._texts[-1]

    def anchor(self, words: re.Pattern[str]) -> Anchor | None:
        """Find a form's first words, in the first text whose folded form holds them."""
        for number, body in enumerate(self.texts()):
            if found := words.search(body.folded):
                return Anchor(number, found.start())
        return None

    def body(self, words: re.Pattern[str]) -> Text | None:
        """Return the text that `anchor` finds the words in; parts are never joined."""
        return next((body for body in self.texts() if words.search(body.folded)), None)

    def links(self) -> list[tuple[str, str]]:
        """Return the https links of the HTML text, each with its words. May raise MessageError."""
        return html_links(self._html[0].text()) if self._html else []

    def header(self, name: str) -> str | None:
        """Return the first header of this name as people read it."""
        found = values(self.headers, name)
        return text(found[0]) if found else None


def open_message(raw: bytes) -> Message:
    """Take a mail's bytes apart. Raises MessageError, and nothing else, whatever the bytes are."""
    if len(raw) > MESSAGE_BYTES_MAX:
        raise MessageError(f"it is larger than {MESSAGE_BYTES_MAX} bytes")
    headers, body = split(raw)
    parts = tuple(leaves(headers, body))
    subject = values(headers, "Subject")
    texts = [part for part in parts if not part.attached and part.file_name is None]
    plain = tuple(part for part in texts if part.media_type == "text/plain")
    return Message(
        headers=headers,
        subject=text(subject[0]) if subject else "",
        encryption=_encryption(parts, plain),
        archives=tuple(
            (part.file_name or "without a name")[:100] for part in parts if _is_archive(part)
        )[:ARCHIVE_NAMES_MAX],
        _plain=plain,
        _html=tuple(part for part in texts if part.media_type == "text/html"),
    )


def _encryption(parts: tuple[Part, ...], plain: tuple[Part, ...]) -> str | None:
    for part in parts:
        if part.media_type in _ENCRYPTED_TYPES:
            return "PGP"
        if part.media_type in _ENVELOPED:
            return "S/MIME"
    if any(part.content().lstrip().startswith(_PGP_ARMOUR) for part in plain):
        return "PGP"
    return None


def _is_archive(part: Part) -> bool:
    return part.media_type in _ARCHIVE_TYPES or (part.file_name or "").lower().endswith(".zip")
