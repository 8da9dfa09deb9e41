"""A person at the money desk: calls the payments service over gRPC."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import grpc

from spojka.api.payments.v1 import payment_pb2, payment_service_pb2
from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from spojka.identity import Identity
from tests.internal_calls import call_as

Payment = payment_pb2.Payment
Id = UUID | str


@dataclass(frozen=True, slots=True)
class Desk:
    """Calls as one identity. What a call ends with is raised as `spojka.errors` has it."""

    wire: grpc.aio.Channel
    identity: Identity

    def as_tenant(self, tenant: UUID) -> "Desk":
        return Desk(self.wire, replace(self.identity, tenant_id=tenant))

    def as_person(self, name: str) -> "Desk":
        return Desk(self.wire, replace(self.identity, actor=name))

    async def call(self, method: str, **fields: Any) -> Any:
        """Call a method by its name, with the fields of its request."""
        request = getattr(payment_service_pb2, f"{method}Request")(**fields)
        return await call_as(self.identity, [PaymentServiceStub(self.wire)], method, request)

    async def decide(self, method: str, payment_id: Id, **fields: Any) -> Payment:
        """Make a decision about a payment."""
        payment: Payment = (await self.call(method, id=str(payment_id), **fields)).payment
        return payment

    async def get(self, payment_id: Id) -> Payment:
        return await self.decide("GetPayment", payment_id)

    async def list(self, **fields: Any) -> Sequence[Payment]:
        return list((await self.call("ListPayments", **fields)).payments)

    async def match(
        self, payment_id: Id, *shares: tuple[Id, str] | Id, request_id: str = ""
    ) -> Payment:
        """Give a payment to orders: an order's id, or with an amount."""
        asked = [
            payment_service_pb2.Share(order_id=str(share[0]), amount=share[1])
            if isinstance(share, tuple)
            else payment_service_pb2.Share(order_id=str(share))
            for share in shares
        ]
        return await self.decide("MatchPayment", payment_id, shares=asked, request_id=request_id)

    async def undo(self, payment_id: Id, request_id: str = "") -> Payment:
        return await self.decide("UndoDecision", payment_id, request_id=request_id)
