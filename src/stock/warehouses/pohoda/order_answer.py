"""Pohoda's answer to an import or a deletion, judged by all three levels.

An import stands only when item and response are "ok" AND it says the id of the document
it made. What says neither yes nor no is OutcomeUnknown: the caller looks the order up.
"""

import re
from collections.abc import Iterator
from typing import Final

from stock.warehouses.errors import (
    OutcomeUnknown,
    Refused,
    Unavailable,
    Unreadable,
    WarehouseError,
)
from stock.warehouses.pohoda.envelope import Answer, AnswerItem, import_details
from stock.warehouses.pohoda.failures import (
    Detail,
    from_details,
    from_note,
    says_duplicate,
    says_gone,
)
from stock.warehouses.pohoda.names import tag, text_at
from stock.warehouses.port import Acknowledgement, OrderDocument

MAX_WARNINGS: Final = 50
_LINE: Final = re.compile(r"ord:orderItem\[(\d{1,6})\]")
_LOOK_UP: Final = "The order is looked up in Pohoda before anything else is done."


def acknowledge(answer: Answer, document: OrderDocument, key: str) -> Acknowledgement:
    """The acknowledgement of an import.

    Raises Refused with the lines to blame, OutcomeUnknown, or what the error stands for.
    """
    item = _only_item(answer, key)
    duplicate = _recorded_duplicate(item)
    if duplicate is not None:
        return duplicate
    subject = f"the order {document.number}"
    if item.content is None or item.content.tag != tag("ord:orderResponse"):
        raise _without_response(item, subject)
    details = import_details(item.content)
    document_id = text_at(item.content, "rdc:producedDetails/rdc:id")
    failed = item.state != "ok" or item.content.get("state") != "ok"
    if not failed and document_id:
        return Acknowledgement(
            document_id,
            text_at(item.content, "rdc:producedDetails/rdc:number"),
            tuple(detail.sentence() for detail in details if detail.state != "ok")[:MAX_WARNINGS],
        )
    if document_id or not failed:
        raise OutcomeUnknown(f"Pohoda's answer about {subject} contradicts itself.", _LOOK_UP)
    blamed = tuple(_lines_to_blame(details, document))
    notes = (item.note, *(detail.note for detail in details))
    if not blamed and any(says_duplicate(note) for note in notes):
        raise OutcomeUnknown(
            f"Pohoda says that {subject} is there already, but not where.", _LOOK_UP
        )
    raise from_details(details, item.note, subject, blamed)


def confirm_deleted(answer: Answer, document_id: str, key: str) -> None:
    """Return where the document is gone, whether by this request or before.

    Raises OutcomeUnknown, or what the error stands for.
    """
    item = _only_item(answer, key)
    details = import_details(item.content) if item.content is not None else []
    subject = f"the deletion of the document {document_id}"
    if item.content is None or item.content.tag != tag("ord:orderResponse"):
        if says_gone(details, item.note):
            return
        raise _without_response(item, subject)
    if item.state == "ok" and item.content.get("state") == "ok":
        return
    if not says_gone(details, item.note):
        raise from_details(details, item.note, subject)


def unknown_unless_clear(error: WarehouseError) -> WarehouseError:
    """For a refused pack of a change: what leaves open whether it was done is OutcomeUnknown."""
    if isinstance(error, Unreadable | Unavailable):
        return OutcomeUnknown(error.message, _LOOK_UP)
    return error


def _only_item(answer: Answer, key: str) -> AnswerItem:
    """The one item of the answer; an error's id may be empty."""
    if len(answer.items) == 1 and answer.items[0].item_id in {key, ""}:
        return answer.items[0]
    raise OutcomeUnknown("Pohoda's answer says nothing about the document.", _LOOK_UP)


def _recorded_duplicate(item: AnswerItem) -> Acknowledgement | None:
    if item.content is None or item.content.tag != tag("rsp:errorDetail"):
        return None
    records = [
        record
        for record in item.content.iterfind(tag("rsp:recordDuplicity"))
        if text_at(record, "rsp:agendaType") == "prijate_objednavky"
    ]
    for record in records:
        document_id = text_at(record, "rsp:id")
        if document_id:
            return Acknowledgement(document_id, text_at(record, "rsp:number"))
    if records:
        number = text_at(records[0], "rsp:number")
        raise Refused(
            f"Pohoda took this order before, but the document {number} was deleted there since.",
            "If the order is to be in Pohoda after all, import it anew as a changed order; "
            "else cancel it.",
        )
    return None


def _without_response(item: AnswerItem, subject: str) -> WarehouseError:
    if item.state == "ok" or says_duplicate(item.note):
        words = f" It says: {item.note}" if item.note else ""
        return OutcomeUnknown(f"Pohoda didn't say what became of {subject}.{words}", _LOOK_UP)
    return from_note(item.note, subject)


def _lines_to_blame(details: list[Detail], document: OrderDocument) -> Iterator[str]:
    """The lines that errors point at; the place in XPath counts items from 1."""
    seen: set[str] = set()
    for detail in details:
        found = _LINE.search(detail.xpath) if detail.state == "error" else None
        place = int(found.group(1)) if found else 0
        if 1 <= place <= len(document.lines):
            line_id = document.lines[place - 1].line_id
            if line_id not in seen:
                seen.add(line_id)
                yield line_id
