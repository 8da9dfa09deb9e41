"""What is said on the topic of imports: absolute, with the import's own revision."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from spojka.api.orders.v1 import order_pb2
from spojka.api.stock.v1 import events_pb2
from spojka.database import Connection
from spojka.outbox import Event, append
from spojka.topics import Topic
from stock.domain.imports import ImportState
from stock.imports.store import ImportRow, load_imports

STATES: Final = {
    ImportState.LOCAL: order_pb2.IMPORT_STATE_LOCAL,
    ImportState.SENT: order_pb2.IMPORT_STATE_SENT,
    ImportState.UNKNOWN: order_pb2.IMPORT_STATE_UNKNOWN,
    ImportState.ACKED: order_pb2.IMPORT_STATE_ACKED,
    ImportState.BLOCKED: order_pb2.IMPORT_STATE_BLOCKED,
    ImportState.WITHDRAWN: order_pb2.IMPORT_STATE_WITHDRAWN,
}


def import_message(row: ImportRow) -> order_pb2.OrderImport:
    """The import as the contracts show it."""
    return order_pb2.OrderImport(
        state=STATES[row.status],
        document_id=row.document_id,
        document_number=row.document_number,
        reason=row.reason,
        revision=row.revision,
        content_revision=row.document_revision,
    )


async def publish_import(connection: Connection, tenant_id: UUID, order_id: UUID) -> None:
    """Say how a locked import stands now: its revision grows, the event goes to the outbox."""
    await connection.execute(
        "UPDATE order_import SET revision = revision + 1 WHERE tenant_id = %s AND order_id = %s",
        [tenant_id, order_id],
    )
    row = (await load_imports(connection, tenant_id, [order_id]))[order_id]
    message: events_pb2.OrderImported | events_pb2.OrderImportBlocked | events_pb2.OrderDelivered
    if row.status is ImportState.BLOCKED:
        message = events_pb2.OrderImportBlocked(line_ids=sorted(row.problem_lines))
    elif row.delivered:
        message = events_pb2.OrderDelivered(
            lines=_delivered(row.delivered),
            complete=row.complete and row.status is ImportState.ACKED,
        )
    else:
        message = events_pb2.OrderImported()
    message.tenant_id = str(tenant_id)
    message.order_id = str(order_id)
    getattr(message, "import").CopyFrom(import_message(row))
    await append(connection, [Event.of(Topic.IMPORTS, f"{tenant_id}/{order_id}", message)])


def _delivered(delivered: Mapping[str, str]) -> list[events_pb2.DeliveredLine]:
    return [
        events_pb2.DeliveredLine(line_id=line_id, quantity=quantity)
        for line_id, quantity in sorted(delivered.items())
    ]
