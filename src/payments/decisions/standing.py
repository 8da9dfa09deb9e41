"""A payment and the orders around it, as a decision finds them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from payments.matching.coverage import coverage, tolerated
from payments.matching.explain import amount_text
from payments.matching.values import PaymentState, PaymentStatus
from spojka.values import ZERO


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger; without an order it is the customer's credit.

    `customer_key` says who had ordered when the money was given, empty where
    nobody is known; what reverses a line names the same.
    """

    id: UUID
    order_id: UUID | None
    amount: Decimal
    reverses_id: UUID | None = None
    customer_key: str = ""


@dataclass(frozen=True, slots=True)
class Disposition:
    """What a payment's row says of how it stands."""

    status: PaymentStatus
    hold: int
    needs_person: bool
    decided_by: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A payment under lock: its money, its lines, and the orders ruled out for it."""

    id: UUID
    incoming: bool
    currency: str
    amount: Decimal
    disposition: Disposition
    lines: tuple[Line, ...] = ()
    ruled_out: frozenset[UUID] = frozenset()

    @property
    def live(self) -> tuple[Line, ...]:
        """The lines that give money and were not taken back."""
        reversed_ids = {line.reverses_id for line in self.lines}
        return tuple(line for line in self.lines if line.amount > 0 and line.id not in reversed_ids)

    @property
    def roots(self) -> Mapping[UUID, Line]:
        """The live lines, each by the first line of its chain of reversals."""
        by_id = {line.id: line for line in self.lines}
        roots: dict[UUID, Line] = {}
        for line in self.live:
            first = line
            while first.reverses_id is not None:
                first = by_id[first.reverses_id]
            roots[first.id] = line
        return roots

    @property
    def given(self) -> Mapping[UUID, Decimal]:
        """What each order has of it."""
        given: defaultdict[UUID, Decimal] = defaultdict(lambda: ZERO)
        for line in self.live:
            if line.order_id is not None:
                given[line.order_id] += line.amount
        return given

    @property
    def credited(self) -> Decimal:
        """What is kept as the customer's credit."""
        return sum((line.amount for line in self.live if line.order_id is None), ZERO)

    @property
    def unallocated(self) -> Decimal:
        """What no order and no credit has."""
        return self.amount - sum((line.amount for line in self.lines), ZERO)

    def money(self, amount: Decimal) -> str:
        """An amount of its currency, for people."""
        return amount_text(amount, self.currency)


@dataclass(frozen=True, slots=True)
class OrderStanding:
    """An order under lock, with what is paid of it by whatever payment."""

    id: UUID
    number: str
    currency: str
    total: Decimal
    paid: Decimal
    cancelled: bool
    tolerance: Decimal = ZERO

    @property
    def due(self) -> Decimal:
        """What it still owes; negative where it is over-paid."""
        return self.total - self.paid

    @property
    def tolerated(self) -> Decimal:
        """The difference that makes it no less paid."""
        return tolerated(self.total, self.tolerance)

    def covered_by(self, amount: Decimal) -> bool:
        """Whether it owes nothing once it has `amount` more."""
        state = coverage(self.total, self.paid + amount, self.tolerance)
        return state in {PaymentState.PAID, PaymentState.OVERPAID}


Orders = Mapping[UUID, OrderStanding]
