"""A person gives a payment to orders, takes it back from them, or rules one out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID

from payments.decisions.effect import Effect, Kind, NewLine, reversal, settled
from payments.decisions.refusals import no_order, require_fit, require_money
from payments.decisions.standing import Orders, OrderStanding, Standing
from payments.matching.explain import listed
from spojka.errors import FailedPrecondition, InvalidArgument, Violation
from spojka.values import ZERO


@dataclass(frozen=True, slots=True)
class Share:
    """One order's part as a person asked for it; without an amount, what the order owes."""

    order_id: UUID
    amount: Decimal | None = None


def match(payment: Standing, shares: Sequence[Share], orders: Orders, actor: str) -> Effect:
    """Give a payment to orders.

    A share with an amount is given as it was said, also above what the order
    owes; one without takes what the order owes, at most what the shares before
    it left. A hold ends, as a person has seen the payment; so does a pair's
    being ruled out. Raises InvalidArgument, NotFound or FailedPrecondition.
    """
    _require_distinct(shares)
    require_money(payment)
    for share in shares:
        if share.order_id not in orders:
            raise no_order(share.order_id)
        require_fit(payment, orders[share.order_id])
    lines = _given(payment, shares, orders)
    chosen = frozenset(share.order_id for share in shares)
    return Effect(
        kind=Kind.MATCH,
        summary=_sentence(payment, lines, orders),
        after=settled(payment, lines, orders, actor),
        lines=lines,
        allows=chosen & payment.ruled_out,
    )


def unmatch(payment: Standing, orders: Orders, actor: str) -> Effect:
    """Take a payment back from all its orders; credit stays credit. Raises FailedPrecondition."""
    lines = tuple(reversal(line) for line in payment.live if line.order_id is not None)
    if not lines:
        raise FailedPrecondition(
            "the payment is given to no order, so that there is nothing to take back",
            reason="PAYMENT_NOT_MATCHED",
        )
    return Effect(
        kind=Kind.UNMATCH,
        summary=f"Taken back from {_named(payment, lines, orders, sign=-1)}.",
        after=settled(payment, lines, orders, actor),
        lines=lines,
    )


def never_pair(payment: Standing, order: OrderStanding, orders: Orders, actor: str) -> Effect:
    """Rule an order out for a payment, and take back what the order has of it.

    What Spojka decided is open again, for other orders. What a person decided
    stays with persons.
    """
    lines = tuple(reversal(line) for line in payment.live if line.order_id == order.id)
    after = payment.disposition
    summary = f"Never for order {order.number}."
    if lines:
        summary = f"{summary} Taken back from {_named(payment, lines, orders, sign=-1)}."
        by_person = actor if payment.disposition.decided_by else ""
        after = settled(payment, lines, orders, by_person)
    return Effect(
        kind=Kind.NEVER_PAIR,
        summary=summary,
        after=replace(after, hold=payment.disposition.hold),
        lines=lines,
        rules_out=frozenset({order.id}),
    )


def _require_distinct(shares: Sequence[Share]) -> None:
    seen: set[UUID] = set()
    found: list[Violation] = []
    for place, share in enumerate(shares):
        if share.order_id in seen:
            twice = f"{share.order_id} is named twice; say one amount for it"
            found.append(Violation(f"shares[{place}].order_id", twice))
        seen.add(share.order_id)
    if found:
        raise InvalidArgument(found)


def _given(payment: Standing, shares: Sequence[Share], orders: Orders) -> tuple[NewLine, ...]:
    said = sum((share.amount for share in shares if share.amount is not None), ZERO)
    left = payment.unallocated - said
    if left < 0:
        raise FailedPrecondition(
            f"the shares are {payment.money(said)}, but only {payment.money(payment.unallocated)} "
            "of the payment is left; give less, or unmatch it first",
            reason="NOT_ENOUGH_LEFT",
            metadata={"unallocated": str(payment.unallocated)},
        )
    lines: list[NewLine] = []
    for share in shares:
        amount = share.amount
        if amount is None:
            amount = _owed(payment, orders[share.order_id], left)
            left -= amount
        lines.append(NewLine(share.order_id, amount))
    return tuple(lines)


def _owed(payment: Standing, order: OrderStanding, left: Decimal) -> Decimal:
    if order.due <= 0:
        raise FailedPrecondition(
            f"order {order.number} owes nothing; say the amount to pay more than it owes, or "
            "keep the money as credit",
            reason="ORDER_OWES_NOTHING",
            metadata={"order_id": str(order.id), "order_number": order.number},
        )
    if left <= 0:
        raise FailedPrecondition(
            f"nothing of the payment is left for order {order.number}; unmatch it first, or give "
            "other orders less",
            reason="NOT_ENOUGH_LEFT",
            metadata={"unallocated": str(payment.unallocated)},
        )
    return min(order.due, left)


def _sentence(payment: Standing, lines: Sequence[NewLine], orders: Orders) -> str:
    parts = [f"Given to {_named(payment, lines, orders, sign=1)}."]
    for line in lines:
        order = orders[_order(line)]
        over = line.amount - max(order.due, ZERO)
        if over > 0:
            parts.append(f"Order {order.number} is over-paid by {payment.money(over)} of it.")
    left = payment.unallocated - sum((line.amount for line in lines), ZERO)
    if left > 0:
        parts.append(f"{payment.money(left)} of the payment is left.")
    return " ".join(parts)


def _named(payment: Standing, lines: Sequence[NewLine], orders: Orders, *, sign: int) -> str:
    noun = "order" if len(lines) == 1 else "orders"
    given = [
        f"{orders[_order(line)].number} ({payment.money(sign * line.amount)})" for line in lines
    ]
    return f"{noun} {listed(given)}"


def _order(line: NewLine) -> UUID:
    assert line.order_id is not None
    return line.order_id
