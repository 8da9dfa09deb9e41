"""Other services' reports about orders, taken under lock like every other change."""

from collections.abc import Sequence
from uuid import UUID

from orders.storage.changing import Step, decide
from spojka.database import Connection
from spojka.delivery.failures import PoisonError
from spojka.errors import NotFound


async def take_reports(
    connection: Connection, tenant: UUID, actor: str, reports: Sequence[tuple[str, Step]]
) -> None:
    """Take reports by the ids of their orders.

    Raises PoisonError where one names no order: orders are never deleted, and
    whoever reports on one has learned of it from here.
    """
    try:
        steps = [(UUID(order_id), step) for order_id, step in reports]
    except ValueError as error:
        raise PoisonError(f"the id of an order: {error}") from error
    try:
        await decide(connection, tenant, actor, steps)
    except NotFound as error:
        raise PoisonError(f"a report about an order that is not there: {error}") from error
