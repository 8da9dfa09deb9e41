"""What Pohoda's own error texts and numbers mean, and what a merchant can do about them.

On an mServer the situations 551–557 come as a text without a number, so the texts are
recognised by their stems, in Czech and Slovak, without diacritics.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stock.warehouses.errors import Misconfigured, Refused, Unavailable, WarehouseError


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry of importDetails."""

    state: str
    errno: int | None
    note: str
    xpath: str = ""
    requested: str = ""
    produced: str = ""

    def sentence(self) -> str:
        """The entry in one line for people."""
        words = self.note or f"error {self.errno}"
        if self.requested or self.produced:
            words += (
                f" ({self.requested!r} became {self.produced!r})"
                if self.produced
                else (f" ({self.requested!r})")
            )
        place = self.xpath.rpartition("ord:order/")[2]
        return f"{words} [{place}]" if place else words


_RIGHTS: Final = (
    "In Pohoda, give the connection's user the rights “Datová komunikace” (XML import and export) "
    "and “POHODA mServer”, and the right to the agenda named in the message."
)

# (pattern, error, advice); the first that is found in the folded text counts.
_Rule = tuple[str, type[WarehouseError], str]
_OF_ANY_LEVEL: Final[tuple[_Rule, ...]] = (
    ("opravn|nema prav|nemate prav", Misconfigured, _RIGHTS),
    (
        "upravovan|jinym uzivatel|inym pouzivatel|uzamc|zamcen|zamknut",
        Unavailable,
        "Someone has the record open in Pohoda; it is tried again by itself.",
    ),
)
_OF_PACKS: Final[tuple[_Rule, ...]] = (
    *_OF_ANY_LEVEL,
    ("prihlas|heslo", Misconfigured, "Check the user name and the password of the connection."),
    ("obdobi", Misconfigured, "Set the current accounting period for the user in Pohoda."),
    (
        "konfigurac",
        Misconfigured,
        "Restart the mServer configuration in Pohoda (Nastavení, POHODA mServer).",
    ),
    (
        "prevest|preveden|previest",
        Misconfigured,
        "Open the accounting unit in Pohoda once, so that it is converted to the new version.",
    ),
    ("aktivac", Misconfigured, "Activate Pohoda's licence."),
    (
        "databaz",
        Unavailable,
        "Pohoda can't open its database now. If it stays so, check Pohoda's database server.",
    ),
    ("znovu|opakujte|zkuste|skuste", Unavailable, "It is tried again by itself."),
    (
        r"\bico?\b|ucetni jednot|uctovn. jednot",
        Misconfigured,
        "The IČO of the connection must be that of the accounting unit the mServer runs for.",
    ),
)

_DUPLICITY_STEMS: Final = ("jiz byl import", "uz bol import", "uz byl import", "duplic", "existuje")
_GONE_STEMS: Final = ("neexist", "nenalez", "nebyl nalez", "nenasiel", "nebol naj", "neznam")

ERRNO_NO_RIGHT: Final = 101
ERRNO_UNKNOWN_VALUE: Final = 108
_BY_ERRNO: Final = {
    103: "The date falls into a VAT period that is closed in Pohoda.",
    ERRNO_UNKNOWN_VALUE: (
        "Pohoda doesn't know the value. For a line: check that the card is in that store under "
        "that code. For the header: check the number series, payment types and carriers in the "
        "settings of the connection."
    ),
}
DEFAULT_ADVICE: Final = "Look at the message, mend the cause in Pohoda or in the order, and retry."


def folded(text: str) -> str:
    """Lower case without diacritics, to look for stems in."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign))


def says_duplicate(note: str) -> bool:
    """Whether a note says that such a document is there already."""
    text = folded(note)
    return "neexistuje" not in text and any(stem in text for stem in _DUPLICITY_STEMS)


def says_gone(details: Sequence[Detail], note: str) -> bool:
    """Whether an answer to a deletion says that there is no such document."""
    texts = [folded(note), *(folded(detail.note) for detail in details)]
    return any(detail.errno == ERRNO_UNKNOWN_VALUE for detail in details) or any(
        stem in text for text in texts for stem in _GONE_STEMS
    )


def from_pack_note(note: str) -> WarehouseError:
    """The error that the note on a refused pack stands for: often the connection is wrong."""
    return _by_text(note, "the whole request", _OF_PACKS)


def from_note(note: str, subject: str) -> WarehouseError:
    """The error that the note on a refused item stands for."""
    return _by_text(note, subject, _OF_ANY_LEVEL)


def _by_text(note: str, subject: str, rules: Sequence[_Rule]) -> WarehouseError:
    text = folded(note)
    message = f"Pohoda refused {subject}: {note or 'it gave no reason'}"
    for pattern, error, advice in rules:
        if re.search(pattern, text):
            return error(message, advice)
    return Refused(message, DEFAULT_ADVICE)


def from_details(
    details: Sequence[Detail], note: str, subject: str, line_ids: tuple[str, ...] = ()
) -> WarehouseError:
    """The error that importDetails stand for; without any, the note decides."""
    errors = [detail for detail in details if detail.state == "error"]
    if not errors:
        return from_note(note, subject)
    message = f"Pohoda refused {subject}: " + "; ".join(error.sentence() for error in errors)
    if any(error.errno == ERRNO_NO_RIGHT for error in errors):
        return Misconfigured(message, _RIGHTS)
    for error in errors:
        if error.errno in _BY_ERRNO:
            return Refused(message, _BY_ERRNO[error.errno], line_ids)
    by_text = from_note(errors[0].note, subject)
    if isinstance(by_text, Refused):
        return Refused(message, by_text.advice, line_ids)
    return type(by_text)(message, by_text.advice)
