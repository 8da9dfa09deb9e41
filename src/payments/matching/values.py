"""What the matcher takes and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Final

from spojka.api.mail.v1 import events_pb2
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.values import ZERO, Money


class Criterion(IntEnum):
    """One way to find a payment's order; also the kind of key that an order is named by."""

    INVOICE_VARIABLE_SYMBOL = payment_pb2.CRITERION_INVOICE_VARIABLE_SYMBOL
    ORDER_VARIABLE_SYMBOL = payment_pb2.CRITERION_ORDER_VARIABLE_SYMBOL
    INVOICE_NUMBER = payment_pb2.CRITERION_INVOICE_NUMBER
    ORDER_NUMBER = payment_pb2.CRITERION_ORDER_NUMBER
    GATEWAY_REFERENCE = payment_pb2.CRITERION_GATEWAY_REFERENCE
    COUNTER_ACCOUNT = payment_pb2.CRITERION_COUNTER_ACCOUNT
    MESSAGE_PATTERN = payment_pb2.CRITERION_MESSAGE_PATTERN


class PaymentStatus(IntEnum):
    """What became of a payment; the matcher itself answers only the first seven."""

    UNMATCHED = payment_pb2.PAYMENT_STATUS_UNMATCHED
    AMBIGUOUS = payment_pb2.PAYMENT_STATUS_AMBIGUOUS
    MATCHED = payment_pb2.PAYMENT_STATUS_MATCHED
    PARTIAL = payment_pb2.PAYMENT_STATUS_PARTIAL
    OVERPAID = payment_pb2.PAYMENT_STATUS_OVERPAID
    DUPLICATE = payment_pb2.PAYMENT_STATUS_DUPLICATE
    LATE = payment_pb2.PAYMENT_STATUS_LATE
    UNCONFIRMED = payment_pb2.PAYMENT_STATUS_UNCONFIRMED
    POSSIBLE_TWIN = payment_pb2.PAYMENT_STATUS_POSSIBLE_TWIN
    DISCARDED = payment_pb2.PAYMENT_STATUS_DISCARDED
    REVERSED = payment_pb2.PAYMENT_STATUS_REVERSED
    OUTGOING = payment_pb2.PAYMENT_STATUS_OUTGOING


OVER: Final = frozenset({PaymentStatus.DISCARDED, PaymentStatus.REVERSED, PaymentStatus.OUTGOING})
"""Statuses of payments that pay nothing any more."""


class PaymentSource(IntEnum):
    """Who told of a payment."""

    UNSPECIFIED = payment_pb2.PAYMENT_SOURCE_UNSPECIFIED
    NOTIFICATION = payment_pb2.PAYMENT_SOURCE_NOTIFICATION
    GATEWAY = payment_pb2.PAYMENT_SOURCE_GATEWAY
    STATEMENT = payment_pb2.PAYMENT_SOURCE_STATEMENT


class SymbolSource(IntEnum):
    """Where a variable symbol was read; unspecified counts as the bank's own field."""

    UNSPECIFIED = events_pb2.SYMBOL_SOURCE_UNSPECIFIED
    FIELD = events_pb2.SYMBOL_SOURCE_FIELD
    MESSAGE = events_pb2.SYMBOL_SOURCE_MESSAGE


class PaymentMethod(IntEnum):
    """Which money an order awaits."""

    UNSPECIFIED = order_pb2.PAYMENT_METHOD_UNSPECIFIED
    BANK_TRANSFER = order_pb2.PAYMENT_METHOD_BANK_TRANSFER
    GATEWAY = order_pb2.PAYMENT_METHOD_GATEWAY
    CASH_ON_DELIVERY = order_pb2.PAYMENT_METHOD_CASH_ON_DELIVERY
    MARKETPLACE = order_pb2.PAYMENT_METHOD_MARKETPLACE
    CASH = order_pb2.PAYMENT_METHOD_CASH


class PaymentState(IntEnum):
    """How much of an order is paid."""

    UNPAID = order_pb2.PAYMENT_STATE_UNPAID
    PARTIAL = order_pb2.PAYMENT_STATE_PARTIAL
    PAID = order_pb2.PAYMENT_STATE_PAID
    OVERPAID = order_pb2.PAYMENT_STATE_OVERPAID
    REFUNDED = order_pb2.PAYMENT_STATE_REFUNDED


AWAITING_NO_TRANSFER: Final = frozenset(
    {PaymentMethod.CASH_ON_DELIVERY, PaymentMethod.MARKETPLACE, PaymentMethod.CASH}
)
_OPEN: Final = frozenset({PaymentState.UNPAID, PaymentState.PARTIAL})


@dataclass(frozen=True, slots=True)
class Incoming:
    """What the matcher knows of a payment, none of which is given to an order yet."""

    amount: Money
    value_date: date
    """By the bank's own calendar."""
    source: PaymentSource = PaymentSource.NOTIFICATION
    variable_symbol: str = ""
    symbol_source: SymbolSource = SymbolSource.FIELD
    counter_account: str = ""
    reference: str = ""
    """The bank's or gateway's own identity of the payment."""
    end_to_end: str = ""
    message: str = ""
    original: Money | None = None
    """What the payer sent, where the bank converted it."""
    known_customers: frozenset[str] = frozenset()
    """Customer keys of the orders that this counter account paid before."""
    never: frozenset[str] = frozenset()
    """Orders that a person ruled out for this payment."""


@dataclass(frozen=True, slots=True)
class References:
    """What a payment may name an order by, besides its number; as they were written."""

    variable_symbol: str = ""
    invoice_number: str = ""
    invoice_variable_symbol: str = ""
    gateway_reference: str = ""


@dataclass(frozen=True, slots=True)
class Payable:
    """An order as payments need it."""

    id: str
    number: str
    currency: str
    total: Decimal
    order_time: datetime
    paid: Decimal = ZERO
    state: PaymentState = PaymentState.UNPAID
    cancelled: bool = False
    close_time: datetime | None = None
    """Since when it is paid or cancelled; None while it is open, or where nobody knows."""
    method: PaymentMethod = PaymentMethod.BANK_TRANSFER
    channel_id: str = ""
    customer_key: str = ""
    references: References = field(default_factory=References)

    @property
    def due(self) -> Decimal:
        """What is still to be paid, in the order's currency; never below zero."""
        return max(self.total - self.paid, ZERO)

    @property
    def open(self) -> bool:
        """Whether money is awaited. An order of which nothing is due is not open."""
        return not self.cancelled and self.state in _OPEN and self.total > self.paid

    @property
    def order_date(self) -> date:
        """The day of the order in UTC: no later than the day on the payer's calendar."""
        return self.order_time.astimezone(UTC).date()


@dataclass(frozen=True, slots=True)
class Rules:
    """How a merchant wants payments matched; see MatchingRules of the contract."""

    criteria: tuple[Criterion, ...]
    tolerances: Mapping[str, Decimal] = field(default_factory=dict)
    """Per currency; where one is absent, 0."""
    message_pattern: str = ""
    reuse_after_days: int = 0
    expire_after_days: int = 0
    """0 means never."""
    text_needs_person: bool = False
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """One order that a criterion found, and why it was taken or left."""

    order_id: str
    order_number: str
    due: Money
    taken: bool
    reason: str


@dataclass(frozen=True, slots=True)
class CriterionRun:
    """What one criterion looked for and found; candidates by number and id."""

    criterion: Criterion
    searched: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Orders that may be meant; never done without a person."""

    order_ids: tuple[str, ...]
    order_numbers: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Allotment:
    """What the payment gives to one order, in the payment's currency, which is the order's."""

    order_id: str
    order_number: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a payment, and why."""

    status: PaymentStatus
    summary: str
    runs: tuple[CriterionRun, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    allotments: tuple[Allotment, ...] = ()
    flags: tuple[str, ...] = ()
    """What a person should know although it did not stop the payment."""
    rules_revision: int = 0

    @property
    def allotted(self) -> Decimal:
        """What is given to orders in all."""
        return sum((part.amount for part in self.allotments), ZERO)
