"""Patterns of a bank's words that survive lost accents, for folded text."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mail_ingest.banks.doubts import Doubts
from mail_ingest.message.text import Text, fold

# What a relay leaves of an accented letter: nothing, a question mark, replacement characters.
_DAMAGED: Final = "(?:{}|\ufffd{{1,2}}|\\?)?"


def words(text: str, blank: str = " ") -> str:
    r"""Return the pattern of a bank's words, each accented letter of them optional.

    `blank` stands between words: `"[ \n]"` where a line may be broken.
    """
    pieces = []
    for letter, folded in zip(text, fold(text), strict=True):
        if letter == " ":
            pieces.append(blank)
        elif letter.isascii():
            pieces.append(re.escape(folded))
        else:
            pieces.append(_DAMAGED.format(re.escape(folded)))
    return "".join(pieces)


def any_of(texts: Iterable[str], blank: str = " ") -> str:
    """Return the pattern of one of several words, the longest first."""
    chosen = sorted(texts, key=len, reverse=True)
    return "(?:" + "|".join(words(text, blank) for text in chosen) + ")"


@dataclass(frozen=True, slots=True)
class Label:
    """A field's label in a block.

    Labels of one `rank` may come in any order, of a higher one only later. A
    `closing` label is the payer's free text: all that follows belongs to it.
    """

    name: str
    texts: tuple[str, ...]
    rank: int
    closing: bool = False


class Block:
    """The ordered labels of a field block.

    Reads `Label: value` lines, or with `below` a label's value on the next line.
    The order is what keeps payers out: a label behind the payer's text, or one
    that stands twice, is never a field.
    """

    def __init__(self, labels: Sequence[Label], *, below: bool = False) -> None:
        self._labels = tuple(labels)
        self._below = below
        alternatives = "|".join(
            f"(?P<l{place}>{any_of(label.texts)})" for place, label in enumerate(self._labels)
        )
        end = r"[ ]?(?::[ \t]*|\t|\Z)" if below else r"[ ]?(?::[ \t]*|\t)"
        self._pattern = re.compile(rf"(?:{alternatives}){end}")

    def read(self, lines: Sequence[Text], doubts: Doubts) -> Mapping[str, str]:
        """Return the fields' values by name; what fits no place becomes a doubt, never a value."""
        values: dict[str, str] = {}
        rank = 0
        awaited: str | None = None
        for place, line in enumerate(lines):
            if awaited is not None:  # whatever it looks like: payers may be called as labels are
                values[awaited], awaited = line.original, None
                continue
            label, value = self._label_of(line)
            fits = label is not None and label.rank >= rank and label.name not in values
            if label is not None and fits and label.closing:
                values[label.name] = self._closing(value, lines[place + 1 :], doubts)
                break
            if label is not None and fits:
                rank = label.rank
                values[label.name] = value
                awaited = label.name if self._below and not value else None
            elif label is not None:
                doubts.say(f"the field {label.texts[0]!r} stands twice or out of its place")
            else:
                doubts.say(f"a line among the fields was not understood: {line.original[:80]!r}")
        return values

    def _label_of(self, line: Text) -> tuple[Label | None, str]:
        match = self._pattern.match(line.folded)
        if match is None or match.lastgroup is None:
            return None, ""
        return self._labels[int(match.lastgroup[1:])], line.original[match.end() :].strip()

    def _closing(self, first: str, rest: Sequence[Text], doubts: Doubts) -> str:
        if any(self._pattern.match(line.folded) for line in rest):
            doubts.say("the payer's text has lines that look like the bank's fields")
        return " ".join(filter(None, (first, *(line.original for line in rest))))
