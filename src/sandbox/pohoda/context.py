"""What every agenda needs to answer an item."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.pohoda.markup import element
from sandbox.pohoda.model import Company
from sandbox.pohoda.packs import ItemAnswer, PackItem
from sandbox.pohoda.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """One pack being processed."""

    company: Company
    settings: Settings
    pack_id: str
    checks_duplicity: bool
    refuses_reservation: bool = False


Agenda = Callable[[Context, PackItem], ItemAnswer]
"""Answers an item; raises `BadElementError` where the item breaks the schema."""


def list_answer(context: Context, name: str, rows: str) -> ItemAnswer:
    """Answer with a list; an empty one comes in one of the three shapes seen."""
    if not rows and context.settings.empty_list != "list":
        return ItemAnswer(is_ok=True, is_left_out=context.settings.empty_list == "pack")
    now = context.company.now()
    body = element(
        name,
        rows,
        version="2.0",
        dateTimeStamp=now.isoformat(),
        dateValidFrom=now.date().isoformat(),
        state="ok",
    )
    return ItemAnswer(is_ok=True, body=body)
