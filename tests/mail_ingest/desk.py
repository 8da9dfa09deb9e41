"""An operator of the mail service, and the connections they make."""

import base64
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import grpc

from spojka.api.mail.v1 import mail_service_pb2 as mails
from spojka.api.mail.v1.mail_service_pb2_grpc import MailServiceStub
from spojka.api.payments.v1 import connection_service_pb2 as connections
from spojka.api.payments.v1.connection_service_pb2_grpc import BankConnectionServiceStub
from spojka.identity import Identity
from tests.internal_calls import call_as

DOMAIN = "mail.example"
SEALING_KEYS = "k1:" + base64.b64encode(bytes(range(32))).decode()
ACCOUNT = "19-2000145399/0800"
"""An account of the tests; it passes the check digits."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Calls as one identity. What a call ends with is raised as `spojka.errors` has it."""

    wire: grpc.aio.Channel
    identity: Identity

    def as_tenant(self, tenant: UUID) -> "Desk":
        return Desk(self.wire, replace(self.identity, tenant_id=tenant))

    @property
    def tenant(self) -> UUID:
        return self.identity.tenant

    async def call(self, method: str, request: Any) -> Any:
        """Call a method of either service by its name."""
        stubs = (BankConnectionServiceStub(self.wire), MailServiceStub(self.wire))
        return await call_as(self.identity, stubs, method, request)

    async def connect(
        self, account: str = ACCOUNT, currency: str = "CZK", *, request_id: str = "", **fields: Any
    ) -> connections.BankConnection:
        wanted = connections.BankConnection(account=account, currency=currency, **fields)
        request = connections.CreateBankConnectionRequest(connection=wanted, request_id=request_id)
        made: connections.BankConnection = (
            await self.call("CreateBankConnection", request)
        ).connection
        return made

    async def get(self, connection_id: str) -> connections.BankConnection:
        request = connections.GetBankConnectionRequest(id=connection_id)
        found: connections.BankConnection = (
            await self.call("GetBankConnection", request)
        ).connection
        return found

    async def update(self, connection: connections.BankConnection) -> connections.BankConnection:
        request = connections.UpdateBankConnectionRequest(connection=connection)
        changed: connections.BankConnection = (
            await self.call("UpdateBankConnection", request)
        ).connection
        return changed

    async def rotate(
        self, connection: connections.BankConnection, grace_hours: int
    ) -> connections.BankConnection:
        request = connections.RotateAddressRequest(id=connection.id, grace_hours=grace_hours)
        rotated: connections.BankConnection = (await self.call("RotateAddress", request)).connection
        return rotated

    async def mail(self, mail_id: str, *, raw: bool = False) -> mails.GetMailResponse:
        request = mails.GetMailRequest(id=mail_id, include_raw=raw)
        answer: mails.GetMailResponse = await self.call("GetMail", request)
        return answer

    async def mails(self, **filters: Any) -> list[mails.Mail]:
        answer = await self.call("ListMails", mails.ListMailsRequest(**filters))
        return list(answer.mails)
