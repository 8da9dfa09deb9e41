"""What the stock service reports of an order on its way into the warehouse system."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from orders.domain.change import Change, Told, changed, silent
from orders.domain.fulfilment import same_deliveries, with_deliveries
from orders.domain.order import Import, ImportState, Order
from orders.domain.status import StatusRule
from spojka.tasks import Task

IMPORT_BLOCKED: Final = "order.import_blocked"
"""The task of an order that can't go into the warehouse system."""
DELIVERED_CANCELLED: Final = "order.delivered_after_cancel"
"""The task of a cancelled order whose goods left the house all the same."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report: where the import stands, and with `delivered` what of each line was delivered."""

    imported: Import
    blocked_lines: tuple[str, ...] = ()
    delivered: Mapping[str, Decimal] | None = None
    complete: bool = False


def take_report(order: Order, report: Report, rule: StatusRule, now: datetime) -> Change | None:
    """Take what is newer in a report than what was taken before; None where nothing is.

    The import and the deliveries are guarded apart: a report about the import
    alone says nothing of the deliveries, so that it must not make an earlier
    word of them look old.
    """
    after = _with_import(order, report)
    after = _with_delivered(after, report)
    if after is order:
        return None
    newer_import = after.imported is not order.imported
    sentences = []
    if newer_import and _visible(after.imported) != _visible(order.imported):
        sentences.append(_import_sentence(after.imported))
    delivered = not same_deliveries(order, after)
    if delivered:
        sentences.append(_delivery_sentence(after))
    told = Told.STATUS_CHANGED if delivered else None
    summary = " ".join(sentences)
    change = (
        changed(order, after, rule, now, summary=summary, told=told) if summary else silent(after)
    )
    if newer_import:
        change = _with_block_task(order, change, report.blocked_lines)
    return _with_late_delivery_task(change) if delivered and order.cancelled else change


def _with_import(order: Order, report: Report) -> Order:
    if report.imported.revision <= order.imported.revision:
        return order
    return replace(order, imported=report.imported)


def _with_delivered(order: Order, report: Report) -> Order:
    revision = report.imported.revision
    if report.delivered is None or revision <= order.deliveries.revision:
        return order
    return with_deliveries(
        order,
        replace(
            order.deliveries,
            warehouse=dict(report.delivered),
            complete=report.complete,
            revision=revision,
        ),
    )


def _visible(imported: Import) -> Import:
    return replace(imported, revision=0)


def _import_sentence(imported: Import) -> str:
    document = imported.document_number or imported.document_id
    return {
        ImportState.LOCAL: "Waits to be sent to the warehouse system.",
        ImportState.SENT: "On its way into the warehouse system.",
        ImportState.UNKNOWN: "The warehouse system did not answer: the document is looked up.",
        ImportState.ACKED: f"Stands in the warehouse system as document {document}.",
        ImportState.BLOCKED: f"Can't go into the warehouse system: {imported.reason}",
        ImportState.WITHDRAWN: "Its document in the warehouse system was withdrawn.",
    }[imported.state]


def _delivery_sentence(order: Order) -> str:
    if order.deliveries.complete:
        return "The warehouse delivered it; nothing more is to come."
    delivered = sum(1 for line in order.content.lines if order.deliveries.of(line.id) > 0)
    return f"The warehouse delivered of {delivered} of {len(order.content.lines)} lines."


def _with_block_task(before: Order, change: Change, line_ids: tuple[str, ...]) -> Change:
    order = change.order
    if order.imported.state is not ImportState.BLOCKED:
        goes_on = before.imported.state is ImportState.BLOCKED
        return replace(change, closed=(IMPORT_BLOCKED,)) if goes_on else change
    lines = {
        f"line {line.id}": f"{line.name} ({line.product_number or line.ean or line.listing_id})"
        for line in order.content.lines
        if line.id in line_ids
    }
    names = f" Lines in the way: {'; '.join(lines.values())}." if lines else ""
    task = Task(
        kind=IMPORT_BLOCKED,
        subject=order.subject,
        summary=f"Order {order.content.number} can't go into the warehouse system: "
        f"{order.imported.reason}{names}",
        advice="Link the named lines to items of the warehouse, or mend what the reason says; "
        "the import then goes on by itself.",
        details={
            "number": order.content.number,
            "channel": order.content.channel_id,
            "reason": order.imported.reason,
            **lines,
        },
    )
    return replace(change, opened=(*change.opened, task))


def _with_late_delivery_task(change: Change) -> Change:
    order = change.order
    task = Task(
        kind=DELIVERED_CANCELLED,
        subject=order.subject,
        summary=f"Order {order.content.number} is cancelled, but the warehouse delivered of it.",
        advice="Call the parcel back, or agree with the customer and place the order anew.",
        details={"number": order.content.number, "channel": order.content.channel_id},
    )
    return replace(change, opened=(*change.opened, task))
