"""Text of a mail in the one form in which templates read it.

Banks write one notice with NBSPs, soft hyphens, CRLF or LF, composed or
decomposed accents; relays damage accents on the way. A `Text` has none of that,
and beside what people read (`original`) it holds the same text without accents
and case (`folded`), letter by letter: what a pattern finds in one stands at the
same place in the other.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from mail_ingest.message.headers import MessageError

TEXT_CHARACTERS_MAX: Final = 200_000
LINE_CHARACTERS_MAX: Final = 20_000

# What is blank beside the blank. Other line ends than LF are: nobody starts a line of a field
# block with them.
_BLANKS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
)
_INVISIBLE = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LINE_END = re.compile(r"\r\n?")
_BLANK_RUN = re.compile(r" {2,}")
_EMPTY_LINES = re.compile(r"\n{3,}")
_ACCENTED = re.compile("[\xc0-\u024f]")
_BASE: Final = {
    chr(code): unicodedata.normalize("NFKD", chr(code))[0] for code in range(0xC0, 0x250)
}


def fold(text: str) -> str:
    """Return the text without accents and case, exactly as long as before."""
    # Of all letters only this one becomes two in lower case.
    lower = text.replace("\u0130", "I").lower()
    return _ACCENTED.sub(lambda match: _BASE[match[0]], lower)


@dataclass(frozen=True, slots=True)
class Text:
    """A text as people read it, and folded, place by place the same."""

    original: str
    folded: str

    @classmethod
    def of(cls, text: str) -> "Text":
        """Bring a text to the one form: LF, single blanks, no empty margins, composed accents.

        Tabs are kept: they part the cells of a table. Raises MessageError for a
        text or a line that no bank's notice is as long as.
        """
        if len(text) > TEXT_CHARACTERS_MAX:
            raise MessageError(f"its text is longer than {TEXT_CHARACTERS_MAX} characters")
        cleaned = _LINE_END.sub("\n", text) if "\r" in text else text
        cleaned = _INVISIBLE.sub("", _BLANKS.sub(" ", cleaned))
        cleaned = _BLANK_RUN.sub(" ", unicodedata.normalize("NFC", cleaned))
        lines = "\n".join([line.strip(" ") for line in cleaned.split("\n")])
        lines = _EMPTY_LINES.sub("\n\n", lines).strip()
        if any(len(line) > LINE_CHARACTERS_MAX for line in lines.split("\n")):
            raise MessageError(f"it has a line longer than {LINE_CHARACTERS_MAX} characters")
        return cls(lines, fold(lines))

    def part(self, start: int, end: int) -> "Text":
        """Cut out a part, by places."""
        return Text(self.original[start:end], self.folded[start:end])

    def lines(self) -> list["Text"]:
        """Return the lines that are not empty."""
        pairs = zip(self.original.split("\n"), self.folded.split("\n"), strict=True)
        return [Text(original, folded) for original, folded in pairs if original]

    def found(self, match: re.Match[str], group: str | int = 0) -> str:
        """Return what people read where a pattern matched the folded text; "" for no part."""
        start, end = match.span(group)
        return self.original[start:end].strip() if start >= 0 else ""
