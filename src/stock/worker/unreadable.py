"""Cards that can't be read: kept for people until they are read well again."""

from collections.abc import Collection
from typing import Final

from spojka.database import Connection
from spojka.tasks import Task, close_tasks, open_task
from stock.connections.model import ConnectionRow
from stock.warehouses.port import CardPage

CARDS_UNREADABLE: Final = "stock.cards_unreadable"


async def keep_unreadable(connection: Connection, row: ConnectionRow, page: CardPage) -> None:
    """Keep what of a page can't be read, and tell people; forget the cards that are well again."""
    await connection.execute(
        "DELETE FROM unreadable_card"
        " WHERE tenant_id = %s AND connection_id = %s AND card_id = ANY(%s)",
        [row.tenant_id, row.id, [card.card_id for card in page.cards]],
    )
    if not page.unreadable:
        return
    for entry in page.unreadable:
        if entry.card_id is None:
            continue
        await connection.execute(
            """
            INSERT INTO unreadable_card (tenant_id, connection_id, card_id, problem, fragment)
            VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (tenant_id, connection_id, card_id)
            DO UPDATE SET problem = excluded.problem, fragment = excluded.fragment, time = now()
            """,
            [row.tenant_id, row.id, entry.card_id, entry.problem, entry.fragment],
        )
    await open_task(
        connection,
        row.tenant_id,
        Task(
            CARDS_UNREADABLE,
            f"connection/{row.id}",
            f"Some cards of the warehouse system can't be read: {page.unreadable[0].problem}",
            "Mend the cards named here; their last good levels stay until then.",
            {
                "cards": ", ".join(entry.card_id or "?" for entry in page.unreadable[:50]),
                "fragment": page.unreadable[0].fragment,
            },
        ),
    )


async def forget_unreadable(
    connection: Connection, row: ConnectionRow, still: Collection[str]
) -> None:
    """A reading of every card is complete: forget all but those it still could not read."""
    await connection.execute(
        "DELETE FROM unreadable_card"
        " WHERE tenant_id = %s AND connection_id = %s AND card_id <> ALL(%s)",
        [row.tenant_id, row.id, list(still)],
    )
    if not still:
        await close_tasks(connection, row.tenant_id, CARDS_UNREADABLE, [f"connection/{row.id}"])
