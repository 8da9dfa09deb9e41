"""Holds that should have stopped counting and have not: an alarm, never a silent expiry."""

from datetime import timedelta
from typing import Final

from spojka.database import Connection
from spojka.tasks import Task, close_tasks, open_task
from stock.connections.model import ConnectionRow
from stock.warehouses.port import Meaning

HOLD_WAITS: Final = "stock.hold_waits"
POLLS_BEFORE_ALARM: Final = 3


async def watch_waiting_holds(connection: Connection, row: ConnectionRow) -> None:
    """Open a task for each order whose acknowledged goods are still held after several readings.

    Under `physical` a hold lasts until delivery, which may take long: no alarm.
    """
    if row.rule.meaning is Meaning.PHYSICAL:
        return
    patience = timedelta(seconds=POLLS_BEFORE_ALARM * row.reading_seconds)
    cursor = await connection.execute(
        """
        SELECT order_import.order_id, order_import.order_number, order_import.document_number
        FROM order_import
        WHERE tenant_id = %s AND connection_id = %s AND state = 'acked' AND ack_time < now() - %s
          AND EXISTS (SELECT FROM hold WHERE hold.tenant_id = order_import.tenant_id
                      AND hold.order_id = order_import.order_id AND hold.wanted > hold.absorbed)
        ORDER BY order_id LIMIT 100
        """,
        [row.tenant_id, row.id, patience],
    )
    waiting = await cursor.fetchall()
    for order_id, number, document in waiting:
        await open_task(
            connection,
            row.tenant_id,
            Task(
                HOLD_WAITS,
                f"order/{order_id}",
                f"Order {number} stands in the warehouse system as {document}, but its goods are "
                "not taken off there",
                "Look whether the document is reserved; until then its goods stay held here.",
                {"order": number, "document": document},
            ),
        )
    cursor = await connection.execute(
        "SELECT subject FROM task WHERE tenant_id = %s AND kind = %s AND resolve_time IS NULL",
        [row.tenant_id, HOLD_WAITS],
    )
    still = {f"order/{order_id}" for order_id, _number, _document in waiting}
    over = [found[0] for found in await cursor.fetchall() if found[0] not in still]
    await close_tasks(connection, row.tenant_id, HOLD_WAITS, over)
