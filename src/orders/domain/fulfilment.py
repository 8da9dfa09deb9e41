"""What of an order has left the house."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from orders.domain.change import Change, changed
from orders.domain.content import Line, LineKind
from orders.domain.order import Deliveries, FulfilmentState, Order
from orders.domain.status import StatusRule
from spojka.errors import FailedPrecondition, InvalidArgument, Violation
from spojka.values import format_decimal


def fulfilment_of(lines: tuple[Line, ...], deliveries: Deliveries) -> FulfilmentState:
    """The state of an order that is not cancelled.

    Goods count; an order without goods is measured by whatever lines it has.
    """
    counted = [line for line in lines if line.kind is LineKind.GOODS] or lines
    if deliveries.complete or all(deliveries.of(line.id) >= line.quantity for line in counted):
        return FulfilmentState.DELIVERED
    if any(deliveries.of(line.id) > 0 for line in counted):
        return FulfilmentState.PARTLY_DELIVERED
    return FulfilmentState.OPEN


def with_deliveries(order: Order, deliveries: Deliveries) -> Order:
    """The order with these deliveries and the state they make; a cancelled one stays cancelled."""
    state = (
        order.fulfilment_state
        if order.cancelled
        else fulfilment_of(order.content.lines, deliveries)
    )
    return replace(order, deliveries=deliveries, fulfilment_state=state)


def same_deliveries(one: Order, other: Order) -> bool:
    """Whether nothing that can be seen of the deliveries differs."""
    return one.fulfilment_state is other.fulfilment_state and all(
        one.deliveries.of(line.id) == other.deliveries.of(line.id) for line in one.content.lines
    )


def mark_shipped(
    order: Order, shipped: Mapping[str, Decimal] | None, rule: StatusRule, now: datetime
) -> Change | None:
    """Take the channel's word of what it shipped in all; None as `shipped` means the whole order.

    Lines that are not named stay as they are. Returns None where nothing
    changes. Raises InvalidArgument on lines that the order has not, or has
    fewer of; FailedPrecondition on a cancelled order.
    """
    lines = {line.id: line for line in order.content.lines}
    if shipped is None:
        shipped = {line.id: line.quantity for line in order.content.lines}
    violations = list(_violations(lines, shipped))
    if violations:
        raise InvalidArgument(violations)
    if order.cancelled:
        raise FailedPrecondition(
            f"order {order.content.number} is cancelled; call the parcel back, or place the order "
            "anew",
            reason="ORDER_CANCELLED",
        )
    said = {**order.deliveries.channel, **shipped}
    if said == order.deliveries.channel:
        return None
    after = with_deliveries(order, replace(order.deliveries, channel=said))
    summary = f"The channel says it shipped {_in_words(order, shipped)}."
    return changed(order, after, rule, now, summary=summary)


def _violations(lines: Mapping[str, Line], shipped: Mapping[str, Decimal]) -> Iterator[Violation]:
    for place, (line_id, quantity) in enumerate(shipped.items()):
        line = lines.get(line_id)
        if line is None:
            yield Violation(f"lines[{place}].line_id", f"the order has no line {line_id!r}")
        elif quantity > line.quantity:
            yield Violation(
                f"lines[{place}].quantity",
                f"the line has {format_decimal(line.quantity)} in all",
            )


def _in_words(order: Order, shipped: Mapping[str, Decimal]) -> str:
    if all(shipped.get(line.id) == line.quantity for line in order.content.lines):
        return "the whole order"
    return ", ".join(
        f"{format_decimal(shipped[line.id])} of {format_decimal(line.quantity)} of {line.name}"
        for line in order.content.lines
        if line.id in shipped
    )
