"""The calls that place orders and change them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final
from uuid import UUID

from orders.domain.fulfilment import mark_shipped
from orders.domain.transitions import add_references, amend, cancel, set_status
from orders.messages.content import references_of
from orders.messages.order import message_of
from orders.placing import Outcome, Sent, Taken, place_all, read_sent, read_wish
from orders.rpc.refusals import refusal_of
from orders.rpc.visibility import seen_by
from orders.storage.changing import Step, decide
from orders.storage.rules import RuleMemory
from spojka.api.orders.v1 import order_pb2
from spojka.api.orders.v1 import order_service_pb2 as pb
from spojka.database import Database
from spojka.errors import InvalidArgument, RequestError, Violation
from spojka.rpc.server import Call
from spojka.rpc.validation import judges_elements, violations_of

BATCH_MAX_BYTES: Final = 8 * 1024 * 1024
"""Largest batch that is taken: its answer, which tells each order whole, must fit a message."""


class OrderWrites:
    """Decides each under lock; `nudge` wakes the relay after a commit."""

    def __init__(self, database: Database, nudge: Callable[[], None]) -> None:
        """Stand on a database that is open when the first call comes."""
        self._database = database
        self._nudge = nudge
        self._rules = RuleMemory()

    async def place_order(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        """Take one order."""
        call.identity.require_channel(request.order.channel_id)
        with _under("order"):
            sent = read_sent(request.order)
        (outcome,) = await self._place(call, [sent])
        if isinstance(outcome, RequestError):
            raise outcome
        return pb.PlaceOrderResponse(order=outcome.message, created=outcome.created)

    @judges_elements
    async def place_orders(
        self, request: pb.PlaceOrdersRequest, call: Call
    ) -> pb.PlaceOrdersResponse:
        """Take many orders; each is judged on its own."""
        if request.ByteSize() > BATCH_MAX_BYTES:
            too_large = f"are more than {BATCH_MAX_BYTES // 1024**2} MiB; send fewer in one call"
            raise InvalidArgument([Violation("orders", too_large)])
        judged = [_judged(order, call) for order in request.orders]
        outcomes = iter(await self._place(call, [s for s in judged if isinstance(s, Sent)]))
        response = pb.PlaceOrdersResponse()
        for each in judged:
            outcome = next(outcomes) if isinstance(each, Sent) else each
            if isinstance(outcome, Taken):
                response.results.add(order=outcome.message, created=outcome.created)
            else:
                response.results.add(refusal=refusal_of(outcome))
        return response

    async def amend_order(self, request: pb.AmendOrderRequest, call: Call) -> pb.AmendOrderResponse:
        """Replace an order's content."""
        with _under("order"):
            wish = read_wish(request.order)
        order = await self._change(
            request.id,
            call,
            lambda order, rule, now: amend(order, wish, request.expected_revision, rule, now),
        )
        return pb.AmendOrderResponse(order=order)

    async def cancel_order(
        self, request: pb.CancelOrderRequest, call: Call
    ) -> pb.CancelOrderResponse:
        """Cancel an order."""
        order = await self._change(
            request.id,
            call,
            lambda order, rule, now: cancel(
                order, request.expected_revision, request.reason, rule, now
            ),
        )
        return pb.CancelOrderResponse(order=order)

    async def add_order_references(
        self, request: pb.AddOrderReferencesRequest, call: Call
    ) -> pb.AddOrderReferencesResponse:
        """Note what became known after the order."""
        news = references_of(request.references)
        order = await self._change(
            request.id, call, lambda order, rule, now: add_references(order, news, rule, now)
        )
        return pb.AddOrderReferencesResponse(order=order)

    async def mark_shipped(
        self, request: pb.MarkShippedRequest, call: Call
    ) -> pb.MarkShippedResponse:
        """Take the channel's word that it shipped."""
        shipped = _shipped(request.lines)
        order = await self._change(
            request.id, call, lambda order, rule, now: mark_shipped(order, shipped, rule, now)
        )
        return pb.MarkShippedResponse(order=order)

    async def set_order_status(
        self, request: pb.SetOrderStatusRequest, call: Call
    ) -> pb.SetOrderStatusResponse:
        """Set the merchant's own status by hand."""
        order = await self._change(
            request.id, call, lambda order, _rule, now: set_status(order, request.status, now)
        )
        return pb.SetOrderStatusResponse(order=order)

    async def _place(self, call: Call, orders: Sequence[Sent]) -> list[Outcome]:
        if not orders:
            return []
        identity = call.identity
        outcomes = await place_all(
            self._database, identity.tenant, identity.actor, orders, self._rules
        )
        self._nudge()
        return outcomes

    async def _change(self, order_id: str, call: Call, step: Step) -> order_pb2.Order:
        tenant, key = call.identity.tenant, UUID(order_id)
        async with self._database.transaction(tenant) as connection:
            orders = await decide(
                connection, tenant, call.identity.actor, [(key, seen_by(call.identity, step))]
            )
        self._nudge()
        return message_of(orders[key])


def _judged(order: order_pb2.Order, call: Call) -> Sent | RequestError:
    try:
        violations = violations_of(order)
        if violations:
            return InvalidArgument(violations)
        call.identity.require_channel(order.channel_id)
        return read_sent(order)
    except RequestError as error:
        return error


@contextmanager
def _under(path: str) -> Iterator[None]:
    """Name the faults of a field of the request by their paths in the request."""
    try:
        yield
    except InvalidArgument as error:
        raise InvalidArgument(
            [Violation(f"{path}.{each.field}", each.description) for each in error.violations]
        ) from error


def _shipped(lines: Sequence[pb.ShippedLine]) -> dict[str, Decimal] | None:
    shipped: dict[str, Decimal] = {}
    for place, line in enumerate(lines):
        if line.line_id in shipped:
            twice = f"{line.line_id!r} is named twice"
            raise InvalidArgument([Violation(f"lines[{place}].line_id", twice)])
        shipped[line.line_id] = Decimal(line.quantity)
    return shipped or None
