"""What orders tell: the last event of an order is the order as its readers know it."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from google.protobuf.message import DecodeError

from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.topics import Topic
from spojka.verification.model import State, state_of, told
from spojka.verification.snapshot import Snapshot

_ORDERS: Final = "SELECT id, value FROM order_book WHERE tenant_id = %s"
OrderEvent = (
    events_pb2.OrderPlaced
    | events_pb2.OrderAmended
    | events_pb2.OrderCancelled
    | events_pb2.OrderStatusChanged
)
_EVENTS: Final[dict[str, type[OrderEvent]]] = {
    each.DESCRIPTOR.full_name: each
    for each in (
        events_pb2.OrderPlaced,
        events_pb2.OrderAmended,
        events_pb2.OrderCancelled,
        events_pb2.OrderStatusChanged,
    )
}
UNTOLD: Final = ("import", "revision", "update_time")
"""What changes without an event: the way of an order's import concerns people only."""


class OrderTelling:
    """The last event of each order carries its whole state."""

    what = "order"
    topic = Topic.ORDERS
    once = False
    exact = False

    def heard(self, type_: str, key: str, value: bytes | None) -> tuple[str, State] | None:
        """Take the order that the event carries."""
        kind = _EVENTS.get(type_)
        if kind is None:
            return None
        return key, _state(told(kind, value).order)

    async def stated(self, snapshot: Snapshot, tenant: UUID) -> AsyncIterator[tuple[str, State]]:
        """Each order of the book."""
        async for id_, value in snapshot.stream(_ORDERS, [tenant]):
            try:
                order = order_pb2.Order.FromString(value)
            except DecodeError:  # Its books name it; no topic can say the same.
                order = order_pb2.Order()
            yield f"{tenant}/{id_}", _state(order)


def _state(order: order_pb2.Order) -> State:
    revision = order.revision
    for name in UNTOLD:
        order.ClearField(name)
    return state_of(revision, order.SerializeToString(deterministic=True))
