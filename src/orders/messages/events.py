"""The events of `spojka.orders.v1`, keyed by tenant and order."""

from uuid import UUID

from orders.domain.change import Change, Told
from spojka.api.orders.v1 import events_pb2, order_pb2
from spojka.outbox import Event
from spojka.topics import Topic


def placed_event(tenant: UUID, order: order_pb2.Order) -> Event:
    """An order was taken."""
    return _event(tenant, order, events_pb2.OrderPlaced(tenant_id=str(tenant), order=order))


def change_event(tenant: UUID, change: Change, order: order_pb2.Order) -> Event | None:
    """What is told of a change; None where it concerns people only. `order` is its message."""
    match change.told:
        case Told.AMENDED:
            return _event(
                tenant, order, events_pb2.OrderAmended(tenant_id=str(tenant), order=order)
            )
        case Told.CANCELLED:
            cancelled = events_pb2.OrderCancelled(
                tenant_id=str(tenant), order=order, reason=change.reason
            )
            return _event(tenant, order, cancelled)
        case Told.STATUS_CHANGED:
            status_changed = events_pb2.OrderStatusChanged(
                tenant_id=str(tenant), order=order, previous_status=change.previous_status
            )
            return _event(tenant, order, status_changed)
        case None:
            return None


def _event(
    tenant: UUID,
    order: order_pb2.Order,
    message: events_pb2.OrderPlaced
    | events_pb2.OrderAmended
    | events_pb2.OrderCancelled
    | events_pb2.OrderStatusChanged,
) -> Event:
    return Event.of(Topic.ORDERS, f"{tenant}/{order.id}", message)
