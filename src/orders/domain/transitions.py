"""What a channel or a person may do to an order."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from orders.domain.change import Change, Told, changed
from orders.domain.content import Content, Line, References, Wish
from orders.domain.difference import content_differences, in_words, time_difference
from orders.domain.fulfilment import with_deliveries
from orders.domain.order import FulfilmentState, Order
from orders.domain.payment import counted_state, state_after_amendment, with_money_task
from orders.domain.status import StatusRule, status_of_new
from spojka.errors import Conflict, FailedPrecondition, InvalidArgument, Violation
from spojka.values import ZERO, format_decimal


def place(order_id: UUID, wish: Wish, rule: StatusRule, now: datetime) -> Order:
    """A new order."""
    state = counted_state(ZERO, wish.content.total)
    return Order(
        id=order_id,
        content=wish.content,
        order_time=wish.order_time or now,
        references=wish.references,
        status=status_of_new(state, rule),
        payment_state=state,
        create_time=now,
        update_time=now,
    )


def amend(
    order: Order, wish: Wish, expected_revision: int, rule: StatusRule, now: datetime
) -> Change | None:
    """Replace the content; a time and references that are told take the place of the old ones.

    None where the order says just that already: a repeated call must not fail
    on its own success. Raises InvalidArgument where the content is another
    order's, FailedPrecondition on an order that is cancelled or delivered, or
    where more is delivered of a line than would be left, or the line would be
    another item's, or where the order is paid in another currency, Conflict
    where `expected_revision` is not the order's content revision.
    """
    _refuse_other_order(order, wish.content)
    paths = content_differences(order.content, wish.content)
    paths += time_difference(order.order_time, wish.order_time)
    references = order.references.with_news(wish.references)
    if not paths and references == order.references:
        return None
    _refuse_closed(order)
    _refuse_stale(order, expected_revision)
    _refuse_delivered_lines(order, wish.content)
    _refuse_paid_in_another_currency(order, wish.content)
    after = replace(
        order,
        content=wish.content,
        order_time=wish.order_time or order.order_time,
        references=references,
        content_revision=order.content_revision + bool(paths),
    )
    after = with_deliveries(after, order.deliveries)
    after = replace(after, payment_state=state_after_amendment(order, after.content.total))
    summary = f"Amended: {in_words(paths) or 'references'}."
    return changed(order, after, rule, now, summary=summary, told=Told.AMENDED)


def cancel(
    order: Order, expected_revision: int, reason: str, rule: StatusRule, now: datetime
) -> Change | None:
    """Cancel the order, or what of it is not delivered yet; None where it is cancelled already.

    Raises FailedPrecondition on a delivered order, Conflict where
    `expected_revision` is not the order's content revision.
    """
    if order.cancelled:
        return None
    if order.fulfilment_state is FulfilmentState.DELIVERED:
        raise FailedPrecondition(
            f"order {order.content.number} is delivered; what comes back is a return, which the "
            "warehouse books",
            reason="ORDER_DELIVERED",
        )
    _refuse_stale(order, expected_revision)
    after = replace(
        order,
        fulfilment_state=FulfilmentState.CANCELLED,
        content_revision=order.content_revision + 1,
    )
    summary = f"Cancelled: {reason}." if reason else "Cancelled."
    change = changed(order, after, rule, now, summary=summary, told=Told.CANCELLED, reason=reason)
    return with_money_task(change) if order.amount_paid > 0 else change


def add_references(
    order: Order, news: References, rule: StatusRule, now: datetime
) -> Change | None:
    """Note what became known after the order, on any order; None where it was known."""
    references = order.references.with_news(news)
    if references == order.references:
        return None
    summary = "Became known: " + ", ".join(
        f"{name.replace('_', ' ')} {value}"
        for name, value in news.named().items()
        if value != getattr(order.references, name)
    )
    after = replace(order, references=references)
    return changed(order, after, rule, now, summary=f"{summary}.", told=Told.AMENDED)


def set_status(order: Order, status: str, now: datetime) -> Change | None:
    """A person's word on the merchant's status; None where it stands there already."""
    if status == order.status:
        return None
    after = replace(order, status=status, revision=order.revision + 1, update_time=now)
    return Change(
        after,
        summary=f"Its status was set to {status!r}.",
        told=Told.STATUS_CHANGED,
        previous_status=order.status,
    )


def _refuse_other_order(order: Order, content: Content) -> None:
    violations = [
        Violation(f"order.{name}", f"is the order's for good: {getattr(order.content, name)!r}")
        for name in ("channel_id", "channel_order_id")
        if getattr(content, name) != getattr(order.content, name)
    ]
    if violations:
        raise InvalidArgument(violations)


def _refuse_closed(order: Order) -> None:
    if order.cancelled:
        raise FailedPrecondition(
            f"order {order.content.number} is cancelled; place a new order instead",
            reason="ORDER_CANCELLED",
        )
    if order.fulfilment_state is FulfilmentState.DELIVERED:
        raise FailedPrecondition(
            f"order {order.content.number} is delivered; place a new order for what is more",
            reason="ORDER_DELIVERED",
        )


def _refuse_stale(order: Order, expected_revision: int) -> None:
    if expected_revision != order.content_revision:
        raise Conflict(
            f"order {order.content.number} is at content revision {order.content_revision}, not "
            f"{expected_revision}; read it again and decide anew",
            reason="STALE_REVISION",
            metadata={"content_revision": str(order.content_revision)},
        )


def _refuse_paid_in_another_currency(order: Order, content: Content) -> None:
    if order.amount_paid and content.currency != order.content.currency:
        paid = f"{format_decimal(order.amount_paid)} {order.content.currency}"
        raise FailedPrecondition(
            f"order {order.content.number} is paid by {paid}, so that its currency can't become "
            f"{content.currency}: unmatch the payment first, or cancel the order and place another",
            reason="PAID_IN_ANOTHER_CURRENCY",
        )


def _refuse_delivered_lines(order: Order, content: Content) -> None:
    left = {line.id: line for line in content.lines}
    for line in order.content.lines:
        delivered = order.deliveries.of(line.id)
        if delivered <= ZERO:
            continue
        wanted = left.get(line.id)
        if wanted is None or delivered > wanted.quantity:
            problem = "the line can't become less"
        elif not _same_item(line, wanted):
            # A line without an id takes its place as one, so that others move up to it.
            problem = f"the line can't become {wanted.name}; keep it, and give new lines other ids"
        else:
            continue
        raise FailedPrecondition(
            f"{format_decimal(delivered)} of line {line.id!r} ({line.name}) are delivered; "
            f"{problem}",
            reason="LINE_DELIVERED",
            metadata={"line_id": line.id, "delivered": format_decimal(delivered)},
        )


def _same_item(line: Line, other: Line) -> bool:
    if line.kind is not other.kind:
        return False
    before = (line.listing_id, line.product_number, line.ean)
    after = (other.listing_id, other.product_number, other.ean)
    # What is no goods names no item.
    return not any(before) or any(
        key and key == now for key, now in zip(before, after, strict=True)
    )
