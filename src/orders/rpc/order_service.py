"""The order book over gRPC (`spojka.api.orders.v1.OrderService`)."""

from collections.abc import Callable

from orders.rpc.reads import OrderReads
from orders.rpc.writes import OrderWrites
from spojka.database import Database


class OrderServicer(OrderReads, OrderWrites):
    """All calls of the service."""

    def __init__(self, database: Database, nudge: Callable[[], None]) -> None:
        """`nudge` wakes the relay after a commit."""
        OrderReads.__init__(self, database)
        OrderWrites.__init__(self, database, nudge)
