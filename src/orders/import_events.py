"""What the stock service tells of orders on their way into the warehouse system."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from orders.domain.imports import Report, take_report
from orders.domain.order import Import
from orders.messages.order import import_of
from orders.reports import take_reports
from orders.storage.changing import Step
from spojka.api.orders.v1 import order_pb2
from spojka.api.stock.v1 import events_pb2
from spojka.database import Connection
from spojka.delivery.failures import PoisonError
from spojka.delivery.handler import ReceivedEvent
from spojka.values import parse_decimal

ACTOR: Final = "stock"
_IMPORTED: Final = events_pb2.OrderImported.DESCRIPTOR.full_name
_BLOCKED: Final = events_pb2.OrderImportBlocked.DESCRIPTOR.full_name
_DELIVERED: Final = events_pb2.OrderDelivered.DESCRIPTOR.full_name
TYPES: Final = frozenset({_IMPORTED, _BLOCKED, _DELIVERED})


class ImportEvents:
    """Handles the events of `spojka.imports.v1`: states, guarded by the import's revision."""

    async def handle(
        self, connection: Connection, tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        """Take each report. Raises PoisonError on one that can't be read or names no order."""
        await take_reports(connection, tenant, ACTOR, [_step(event) for event in events])


def _step(event: ReceivedEvent) -> tuple[str, Step]:
    order_id, report = _READERS[event.type](event)
    return order_id, lambda order, rule, now: take_report(order, report, rule, now)


def _imported(event: ReceivedEvent) -> tuple[str, Report]:
    message = event.parse(events_pb2.OrderImported)
    return message.order_id, Report(_record(message))


def _blocked(event: ReceivedEvent) -> tuple[str, Report]:
    message = event.parse(events_pb2.OrderImportBlocked)
    return message.order_id, Report(_record(message), blocked_lines=tuple(message.line_ids))


def _delivered(event: ReceivedEvent) -> tuple[str, Report]:
    message = event.parse(events_pb2.OrderDelivered)
    try:
        delivered = {line.line_id: parse_decimal(line.quantity) for line in message.lines}
    except ValueError as error:
        raise PoisonError(f"{event.type}: a delivered quantity: {error}") from error
    return message.order_id, Report(
        _record(message), delivered=delivered, complete=message.complete
    )


def _record(
    message: events_pb2.OrderImported | events_pb2.OrderImportBlocked | events_pb2.OrderDelivered,
) -> Import:
    # The field bears a keyword of Python.
    record: order_pb2.OrderImport = getattr(message, "import")
    try:
        return import_of(record)
    except ValueError as error:
        raise PoisonError(f"the import's state: {error}") from error


_READERS: Final[Mapping[str, Callable[[ReceivedEvent], tuple[str, Report]]]] = {
    _IMPORTED: _imported,
    _BLOCKED: _blocked,
    _DELIVERED: _delivered,
}
