"""The service `payments`, put together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from payments import notifications, order_events
from payments.recheck import Rechecking
from payments.rpc.payment_service import PaymentServicer
from spojka.api.payments.v1 import payment_service_pb2
from spojka.delivery.consumer import Consumer
from spojka.delivery.handler import Kind, Route
from spojka.rpc.server import Server
from spojka.service import Component, Ground, Service
from spojka.topics import Topic

CONSUMER_GROUP: Final = "payments"


@dataclass(frozen=True, slots=True)
class PaymentsService:
    """Payments, the orders that they pay, and why."""

    name: str = "payments"
    default_port: int = 50053
    consumer_groups: Sequence[str] = (CONSUMER_GROUP,)

    @property
    def migrations(self) -> Traversable:
        """The folder of its migrations."""
        return files("payments") / "migrations"

    def assemble(self, ground: Ground, server: Server) -> Sequence[Component]:
        """Serve people, and listen to what orders and banks' mails tell."""
        rechecking = Rechecking(ground.database, ground.health, ground.relay.nudge)

        def nudge() -> None:
            ground.relay.nudge()
            rechecking.wake()

        payments = payment_service_pb2.DESCRIPTOR.services_by_name["PaymentService"]
        server.add(payments, PaymentServicer(ground.database, nudge))
        return [consumer(ground, nudge), rechecking]


def consumer(ground: Ground, after_commit: Callable[[], None]) -> Consumer:
    """The member of the group that takes orders and notifications."""
    return Consumer(
        CONSUMER_GROUP,
        topics=[Topic.ORDERS, Topic.NOTIFICATIONS],
        routes=[
            Route(order_events.TYPES, order_events.OrderEvents(), Kind.STATE),
            Route(notifications.TYPES, notifications.NotificationEvents(), Kind.FACT),
        ],
        database=ground.database,
        settings=ground.settings,
        health=ground.health,
        after_commit=after_commit,
    )


SERVICE: Final[Service] = PaymentsService()
