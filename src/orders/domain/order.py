"""An order: what was ordered, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from uuid import UUID

from orders.domain.content import Content, References
from spojka.api.orders.v1 import order_pb2
from spojka.values import ZERO


class PaymentState(IntEnum):
    """How much of the order is paid."""

    UNPAID = order_pb2.PAYMENT_STATE_UNPAID
    PARTIAL = order_pb2.PAYMENT_STATE_PARTIAL
    PAID = order_pb2.PAYMENT_STATE_PAID
    OVERPAID = order_pb2.PAYMENT_STATE_OVERPAID
    REFUNDED = order_pb2.PAYMENT_STATE_REFUNDED


class FulfilmentState(IntEnum):
    """How much of the order has left the house."""

    OPEN = order_pb2.FULFILMENT_STATE_OPEN
    PARTLY_DELIVERED = order_pb2.FULFILMENT_STATE_PARTLY_DELIVERED
    DELIVERED = order_pb2.FULFILMENT_STATE_DELIVERED
    CANCELLED = order_pb2.FULFILMENT_STATE_CANCELLED


class ImportState(IntEnum):
    """Where the order stands on its way into the warehouse system."""

    LOCAL = order_pb2.IMPORT_STATE_LOCAL
    SENT = order_pb2.IMPORT_STATE_SENT
    UNKNOWN = order_pb2.IMPORT_STATE_UNKNOWN
    ACKED = order_pb2.IMPORT_STATE_ACKED
    BLOCKED = order_pb2.IMPORT_STATE_BLOCKED
    WITHDRAWN = order_pb2.IMPORT_STATE_WITHDRAWN


@dataclass(frozen=True, slots=True)
class Import:
    """The order's document in the warehouse system, as its newest report told of it."""

    state: ImportState = ImportState.LOCAL
    document_id: str = ""
    document_number: str = ""
    reason: str = ""
    revision: int = 0
    content_revision: int = 0


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How much of each line has left the house, in all, by line id.

    The warehouse and the channel are heard apart, so that neither's word wipes
    out the other's; what counts is the greater. `complete`: the warehouse says
    that nothing more is to come. `revision` is that of the warehouse's report.
    """

    warehouse: Mapping[str, Decimal] = field(default_factory=dict)
    channel: Mapping[str, Decimal] = field(default_factory=dict)
    complete: bool = False
    revision: int = 0

    def of(self, line_id: str) -> Decimal:
        """How much of one line has left the house."""
        return max(self.warehouse.get(line_id, ZERO), self.channel.get(line_id, ZERO))


@dataclass(frozen=True, slots=True)
class Order:
    """One order at one revision.

    `revision` grows by one with every change that is told; `content_revision`
    with changes of the content and with the cancellation, so that a document
    in the warehouse system is known by it. `amount_paid` is in the order's
    currency; `payment_revision` is that of the newest report about it.
    """

    id: UUID
    content: Content
    order_time: datetime
    references: References
    status: str
    create_time: datetime
    update_time: datetime
    revision: int = 1
    content_revision: int = 1
    payment_state: PaymentState = PaymentState.UNPAID
    fulfilment_state: FulfilmentState = FulfilmentState.OPEN
    amount_paid: Decimal = ZERO
    payment_revision: int = 0
    deliveries: Deliveries = field(default_factory=Deliveries)
    imported: Import = field(default_factory=Import)

    @property
    def cancelled(self) -> bool:
        """Whether the order was cancelled; it never comes back."""
        return self.fulfilment_state is FulfilmentState.CANCELLED

    @property
    def subject(self) -> str:
        """How tasks name the order."""
        return f"order/{self.id}"
