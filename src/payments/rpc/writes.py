"""The calls by which people decide about payments."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from uuid import UUID

from payments.decisions import keeping, matching
from payments.decisions.effect import Effect, Kind
from payments.decisions.refusals import no_order
from payments.decisions.standing import Orders, Standing
from payments.decisions.undoing import Entry, stands
from payments.rpc.assembling import whole_payment
from payments.rpc.confirming import confirm_payment
from payments.rpc.deciding import Step, decide
from payments.rpc.undoing import undo_decision
from spojka.api.payments.v1 import payment_service_pb2 as pb
from spojka.api.payments.v1.payment_pb2 import Payment
from spojka.database import Connection, Database
from spojka.requests import earlier_answer, remember_answer
from spojka.rpc.server import Call

History = Sequence[Entry]


class PaymentWrites:
    """Decides each under lock; `nudge` wakes the relay and the recheck after a commit."""

    def __init__(self, database: Database, nudge: Callable[[], None]) -> None:
        """Stand on a database that is open when the first call comes."""
        self._database = database
        self._nudge = nudge

    async def confirm_payment(
        self, request: pb.ConfirmPaymentRequest, call: Call
    ) -> pb.ConfirmPaymentResponse:
        """Let a payment that waits for a person take part in matching."""
        tenant, payment_id = call.identity.tenant, UUID(request.id)
        async with self._database.transaction(tenant) as connection:
            await confirm_payment(connection, tenant, call.identity.actor, payment_id)
            payment = await whole_payment(connection, tenant, payment_id)
        self._nudge()
        return pb.ConfirmPaymentResponse(payment=payment)

    async def match_payment(
        self, request: pb.MatchPaymentRequest, call: Call
    ) -> pb.MatchPaymentResponse:
        """Give a payment to one order, or to several."""
        tenant, shares = call.identity.tenant, [_share(share) for share in request.shares]
        async with self._database.transaction(tenant) as connection:
            answer = await earlier_answer(
                connection, tenant, request.request_id, request, pb.MatchPaymentResponse
            )
            if answer is not None:
                return answer
            payment = await _match(connection, call, UUID(request.id), shares)
            answer = pb.MatchPaymentResponse(payment=payment)
            await remember_answer(connection, tenant, request.request_id, request, answer)
        self._nudge()
        return answer

    async def unmatch_payment(
        self, request: pb.UnmatchPaymentRequest, call: Call
    ) -> pb.UnmatchPaymentResponse:
        """Take a payment back from its orders."""
        actor = call.identity.actor

        def step(payment: Standing, orders: Orders, history: History) -> Effect | None:
            if not payment.given and stands(history, Kind.UNMATCH):
                return None
            return matching.unmatch(payment, orders, actor)

        payment = await self._decide(request.id, call, step)
        return pb.UnmatchPaymentResponse(payment=payment)

    async def credit_payment(
        self, request: pb.CreditPaymentRequest, call: Call
    ) -> pb.CreditPaymentResponse:
        """Keep what is over as the customer's credit."""
        actor = call.identity.actor

        def step(payment: Standing, orders: Orders, history: History) -> Effect | None:
            if payment.unallocated <= 0 and stands(history, Kind.CREDIT):
                return None
            return keeping.credit(payment, orders, actor)

        payment = await self._decide(request.id, call, step)
        return pb.CreditPaymentResponse(payment=payment)

    async def discard_payment(
        self, request: pb.DiscardPaymentRequest, call: Call
    ) -> pb.DiscardPaymentResponse:
        """Lay a payment aside with a reason."""
        actor, reason = call.identity.actor, request.reason

        def step(payment: Standing, _orders: Orders, history: History) -> Effect | None:
            if stands(history, Kind.DISCARD, keeping.discard_summary(reason)):
                return None
            return keeping.discard(payment, reason, actor)

        payment = await self._decide(request.id, call, step)
        return pb.DiscardPaymentResponse(payment=payment)

    async def never_pair(self, request: pb.NeverPairRequest, call: Call) -> pb.NeverPairResponse:
        """Say that a payment is never for an order."""
        order_id, actor = UUID(request.order_id), call.identity.actor

        def step(payment: Standing, orders: Orders, _history: History) -> Effect | None:
            if order_id not in orders:
                raise no_order(order_id)
            if order_id in payment.ruled_out and order_id not in payment.given:
                return None
            return matching.never_pair(payment, orders[order_id], orders, actor)

        payment = await self._decide(request.id, call, step, [order_id])
        return pb.NeverPairResponse(payment=payment)

    async def undo_decision(
        self, request: pb.UndoDecisionRequest, call: Call
    ) -> pb.UndoDecisionResponse:
        """Take back a person's last decision on a payment."""
        tenant, payment_id = call.identity.tenant, UUID(request.id)
        async with self._database.transaction(tenant) as connection:
            answer = await earlier_answer(
                connection, tenant, request.request_id, request, pb.UndoDecisionResponse
            )
            if answer is not None:
                return answer
            await undo_decision(connection, tenant, call.identity.actor, payment_id)
            payment = await whole_payment(connection, tenant, payment_id)
            answer = pb.UndoDecisionResponse(payment=payment)
            await remember_answer(connection, tenant, request.request_id, request, answer)
        self._nudge()
        return answer

    async def _decide(
        self, payment_id: str, call: Call, step: Step, order_ids: Sequence[UUID] = ()
    ) -> Payment:
        tenant, wanted = call.identity.tenant, UUID(payment_id)
        async with self._database.transaction(tenant) as connection:
            await decide(connection, tenant, call.identity.actor, wanted, order_ids, step)
            payment = await whole_payment(connection, tenant, wanted)
        self._nudge()
        return payment


async def _match(
    connection: Connection, call: Call, payment_id: UUID, shares: Sequence[matching.Share]
) -> Payment:
    tenant, actor = call.identity.tenant, call.identity.actor

    def step(payment: Standing, orders: Orders, _history: History) -> Effect:
        return matching.match(payment, shares, orders, actor)

    wanted = [share.order_id for share in shares]
    await decide(connection, tenant, actor, payment_id, wanted, step)
    return await whole_payment(connection, tenant, payment_id)


def _share(share: pb.Share) -> matching.Share:
    return matching.Share(UUID(share.order_id), Decimal(share.amount) if share.amount else None)
