"""The merchant's people: they decide about payments, and let a mass change through."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import uuid4

from google.protobuf.message import Message

from proof.soak.decisions import Decided
from proof.soak.plan import FOR_OTHER_SYMBOL, LEFT, Deal, Matter
from sandbox.demo.treasury import Treasury
from spojka.api.orders.v1 import order_service_pb2 as orders_api
from spojka.api.orders.v1.order_service_pb2_grpc import OrderServiceStub
from spojka.api.payments.v1 import payment_pb2
from spojka.api.payments.v1 import payment_service_pb2 as api
from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from spojka.api.stock.v1 import warehouse_service_pb2 as warehouse
from spojka.errors import Conflict, FailedPrecondition, NotFound
from spojka.values import format_decimal
from tests.faults.desk import patiently
from tests.faults.plan import Paying
from tests.faults.system import System

PATIENCE_SECONDS: Final = 150.0
LOOK_SECONDS: Final = 0.5
REASON: Final = "sent by mistake"
REMNANTS: Final = tuple(f"R-{number:02}" for number in range(1, 13))
"""Goods that nobody orders: so many that a reading without all of them waits for a person."""
REMNANTS_STORE: Final = "HLAVNI"
REMNANTS_COUNT: Final = 5
Status = payment_pb2.PaymentStatus
Answer = TypeVar("Answer")


@dataclass(slots=True)
class People:
    """Whoever decides; `decided` is what was accepted of it."""

    system: System
    decided: list[Decided] = field(default_factory=list)
    statuses: dict[str, list[str]] = field(default_factory=dict)
    """By order, what people called it, in turn."""
    gates_opened: int = 0

    async def decide(self, deal: Deal, amount: Decimal, dues: Mapping[str, Decimal]) -> None:
        """Do what is the matter with the money of orders.

        `amount` was sent, `dues` are what orders owe of it, that of the deal first.
        """
        symbol = deal.order.symbol
        if deal.matter in FOR_OTHER_SYMBOL:
            symbol = deal.other_symbol
        case = Decided(symbol, amount)
        self.decided.append(case)
        match deal.matter:
            case Matter.WRONG_SYMBOL | Matter.SPLIT:
                payment = await self._payment(case, Status.PAYMENT_STATUS_UNMATCHED)
                await self._match(case, payment, dues)
            case Matter.FOR_NOBODY:
                payment = await self._payment(case, Status.PAYMENT_STATUS_UNMATCHED)
                await self._discard(case, payment)
                case.status = Status.PAYMENT_STATUS_DISCARDED
            case Matter.FIRST_OF_SENDER:
                payment = await self._payment(case, Status.PAYMENT_STATUS_UNCONFIRMED)
                await self._confirm(case, payment)
                case.status, case.shares = Status.PAYMENT_STATUS_MATCHED, dues
            case Matter.TOO_MUCH | Matter.CREDIT_UNDONE:
                await self._keep_the_rest(case, dues, undo=deal.matter is Matter.CREDIT_UNDONE)
            case _:
                await self._think_again(case, deal.matter, dues)

    async def call_it(self, order_id: str, status: str) -> None:
        """Set an order's status by hand."""
        edge = self.system.office.edge
        request = orders_api.SetOrderStatusRequest(id=order_id, status=status)
        method = OrderServiceStub(edge.channel).SetOrderStatus
        what = f"call order {order_id} {status!r}"
        answer = await self._patiently(lambda: edge.call(method, request), what)
        assert answer.order.status == status, answer
        self.statuses.setdefault(order_id, []).append(status)
        self.system.story.note(f"order {answer.order.number} is called {status!r}")

    async def _keep_the_rest(
        self, case: Decided, dues: Mapping[str, Decimal], *, undo: bool
    ) -> None:
        payment = await self._payment(case, Status.PAYMENT_STATUS_OVERPAID)
        case.shares = dues
        await self._credit(case, payment)
        if undo:
            await self._undo(case, payment)
            await self._credit(case, payment)
        case.status, case.credited = Status.PAYMENT_STATUS_MATCHED, case.amount - case.allocated

    async def _think_again(
        self, case: Decided, matter: Matter, dues: Mapping[str, Decimal]
    ) -> None:
        """Decide otherwise than Spojka did, and then as it did, unless it is left so."""
        payment = await self._payment(case, Status.PAYMENT_STATUS_MATCHED)
        (order_id,) = dues
        if matter in {Matter.NEVER_UNDONE, Matter.LEFT_RULED_OUT}:
            await self._never_pair(case, payment, order_id)
        else:
            await self._unmatch(case, payment)
        if matter in LEFT:
            # Its money is nobody's: to the order it is as if nothing had come.
            self.system.book.orders[order_id].paying = Paying.NOT
            case.status = Status.PAYMENT_STATUS_UNMATCHED
            return
        if matter is Matter.TAKEN_BACK:
            await self._match(case, payment, dues)
        else:
            await self._undo(case, payment)
        case.status, case.shares = Status.PAYMENT_STATUS_MATCHED, dues

    async def open_gate(self) -> None:
        """Book out the remnants, let the reading that says so pass, and take them in again."""
        await self._bring_remnants_to(0)
        await self.system.read_all_now()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self._are_available():
                await self._approve_what_is_held()
                await asyncio.sleep(LOOK_SECONDS)
        self.gates_opened += 1
        self.system.story.note("the remnants are gone here, too")
        await self._bring_remnants_to(REMNANTS_COUNT)

    async def stock_remnants(self) -> None:
        """Take the remnants in, and wait until they are known."""
        await self._bring_remnants_to(REMNANTS_COUNT)
        await self.system.read_all_now()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self._are_known():  # noqa: ASYNC110 - another process learns
                await asyncio.sleep(LOOK_SECONDS)

    async def _bring_remnants_to(self, count: int) -> None:
        # In one step of the warehouse: in several, each of them would pass the gate.
        cards = [
            {"store": REMNANTS_STORE, "code": code, "name": f"Remnant {code}", "count": count}
            for code in REMNANTS
        ]
        await self.system.storehouse.put_cards(cards)

    async def _are_known(self) -> bool:
        try:
            return await self._are_available()
        except NotFound:
            return False

    async def _are_available(self) -> bool:
        office = self.system.office
        items = [
            await self._patiently(lambda code=code: office.item(code), f"look at {code}")  # type: ignore[misc]
            for code in REMNANTS
        ]
        return any(Decimal(item.available) for item in items)

    async def _approve_what_is_held(self) -> None:
        office = self.system.office
        readings = await self._patiently(
            lambda: office.readings(self.system.connection.id), "look at the readings"
        )
        held = [each for each in readings if each.state == warehouse.READING_STATE_HELD]
        for reading in held[:1]:
            self.system.story.note(f"reading {reading.id} is held, and approved")
            try:
                await self._patiently(
                    lambda reading=reading: office.approve(reading),  # type: ignore[misc]
                    "approve a reading",
                )
            except FailedPrecondition as error:
                # It was replaced by a later one, or the answer to an earlier try was lost.
                self.system.story.note(f"not approved: {error.message}")

    async def _payment(
        self, case: Decided, status: "payment_pb2.PaymentStatus.ValueType"
    ) -> payment_pb2.Payment:
        """Wait until the payment is there and stands so."""
        seen = ""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    for payment in await self._listed(case.symbol):
                        if Decimal(payment.amount.amount) == case.amount:
                            if payment.status == status:
                                return payment
                            seen = Status.Name(payment.status)
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise AssertionError(
                f"the payment of {case.amount} for {case.symbol} is "
                f"{seen or 'not there'}, never {Status.Name(status)}"
            ) from None

    async def _listed(self, symbol: str) -> list[payment_pb2.Payment]:
        treasury = Treasury(self.system.office.edge)
        return await self._patiently(
            lambda: treasury.payments(variable_symbol=symbol), f"look for {symbol}"
        )

    async def _match(
        self, case: Decided, payment: payment_pb2.Payment, dues: Mapping[str, Decimal]
    ) -> None:
        """Give it to one order, which takes what it owes, or to several with what each gets."""
        shares = [api.Share(order_id=order_id) for order_id in dues]
        if len(shares) > 1:
            for share in shares:
                share.amount = format_decimal(dues[share.order_id])
        request = api.MatchPaymentRequest(id=payment.id, shares=shares, request_id=str(uuid4()))
        await self._do(case, "match", self._stub.MatchPayment, request)
        case.status, case.shares = Status.PAYMENT_STATUS_MATCHED, dues

    async def _unmatch(self, case: Decided, payment: payment_pb2.Payment) -> None:
        request = api.UnmatchPaymentRequest(id=payment.id)
        await self._do(case, "unmatch", self._stub.UnmatchPayment, request)

    async def _credit(self, case: Decided, payment: payment_pb2.Payment) -> None:
        request = api.CreditPaymentRequest(id=payment.id)
        await self._do(case, "credit", self._stub.CreditPayment, request)

    async def _discard(self, case: Decided, payment: payment_pb2.Payment) -> None:
        request = api.DiscardPaymentRequest(id=payment.id, reason=REASON)
        await self._do(case, "discard", self._stub.DiscardPayment, request)

    async def _confirm(self, case: Decided, payment: payment_pb2.Payment) -> None:
        request = api.ConfirmPaymentRequest(id=payment.id)
        await self._do(case, "confirm", self._stub.ConfirmPayment, request)

    async def _never_pair(self, case: Decided, payment: payment_pb2.Payment, order_id: str) -> None:
        request = api.NeverPairRequest(id=payment.id, order_id=order_id)
        await self._do(case, "never_pair", self._stub.NeverPair, request)

    async def _undo(self, case: Decided, payment: payment_pb2.Payment) -> None:
        request = api.UndoDecisionRequest(id=payment.id, request_id=str(uuid4()))
        await self._do(case, "undo", self._stub.UndoDecision, request)

    async def _do(self, case: Decided, kind: str, method: Any, request: Message) -> None:
        """Make a decision until an answer says that it was made.

        A payment may be known before the order that it is for: while Kafka
        stands still, the order waits in the outbox.
        """
        edge = self.system.office.edge
        what = f"{kind} the payment for {case.symbol}"
        refusal = "nothing was refused"
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    try:
                        await self._patiently(lambda: edge.call(method, request), what)
                        break
                    except (Conflict, NotFound) as error:
                        refusal = error.message
                        self.system.story.note(f"{kind} {case.symbol}: {refusal}")
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise AssertionError(f"in vain: {what}; {refusal}") from None
        case.kinds.append(kind)
        self.system.story.note(f"decided for {case.symbol}: {kind}")

    @property
    def _stub(self) -> PaymentServiceStub:
        return PaymentServiceStub(self.system.office.edge.channel)

    async def _patiently(self, call: Callable[[], Awaitable[Answer]], what: str) -> Answer:
        return await patiently(call, what, self.system.story, self.system.book.failures)
