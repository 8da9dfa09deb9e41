"""What the payments service tells of the money that came for orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from orders.domain.change import Change
from orders.domain.order import Order, PaymentState
from orders.domain.payment import pay
from orders.domain.status import StatusRule
from orders.reports import take_reports
from orders.storage.changing import Step
from spojka.api.payments.v1 import events_pb2
from spojka.database import Connection
from spojka.delivery.failures import PoisonError
from spojka.delivery.handler import ReceivedEvent
from spojka.values import parse_decimal

ACTOR: Final = "payments"
TYPES: Final = frozenset({events_pb2.OrderPaymentChanged.DESCRIPTOR.full_name})


class PaymentEvents:
    """Handles OrderPaymentChanged of `spojka.payments.v1`: a state, guarded by its revision."""

    async def handle(
        self, connection: Connection, tenant: UUID, events: Sequence[ReceivedEvent]
    ) -> None:
        """Take each report, but for those in a currency that the order no longer has.

        Raises PoisonError on one that can't be read or names no order.
        """
        await take_reports(connection, tenant, ACTOR, [_step(event) for event in events])


def _step(event: ReceivedEvent) -> tuple[str, Step]:
    message = event.parse(events_pb2.OrderPaymentChanged)
    try:
        amount = parse_decimal(message.amount_paid.amount)
        said = PaymentState(message.payment_state) if message.payment_state else None
    except ValueError as error:
        raise PoisonError(f"{event.type}: {error}") from error
    currency = message.amount_paid.currency

    def step(order: Order, rule: StatusRule, now: datetime) -> Change | None:
        if currency != order.content.currency:
            # Told before the payments side learned of an amendment to another currency; once it
            # has, it tells anew, and keeps the money that came as a task.
            return None
        return pay(order, message.revision, amount, said, rule, now)

    return message.order_id, step
