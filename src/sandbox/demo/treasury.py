"""The merchant's people who look after the money: they connect banks, look, and decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sandbox.shops import EdgeClient
from spojka.api.mail.v1 import mail_service_pb2
from spojka.api.mail.v1.mail_service_pb2_grpc import MailServiceStub
from spojka.api.orders.v1 import channel_service_pb2 as channels
from spojka.api.orders.v1.channel_service_pb2_grpc import ChannelServiceStub
from spojka.api.payments.v1 import connection_service_pb2 as banks
from spojka.api.payments.v1 import payment_pb2, payment_service_pb2
from spojka.api.payments.v1.connection_service_pb2_grpc import BankConnectionServiceStub
from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceStub

if TYPE_CHECKING:  # the names of the asynchronous stubs exist for types only
    from spojka.api.mail.v1.mail_service_pb2_grpc import MailServiceAsyncStub
    from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceAsyncStub

LISTED_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Treasury:
    """An operator's calls to the edge. They raise RequestError."""

    edge: EdgeClient

    async def set_statuses(self, *, placed: str, paid: str) -> None:
        """Say which status an order takes when it is placed and when it is paid."""
        rule = channels.StatusRule(placed=placed, paid=paid)
        request = channels.UpdateStatusRuleRequest(status_rule=rule)
        await self.edge.call(ChannelServiceStub(self.edge.channel).UpdateStatusRule, request)

    async def connect(self, name: str, account: str, currency: str) -> banks.BankConnection:
        """Connect a bank account; the answer has its address."""
        connection = banks.BankConnection(name=name, account=account, currency=currency)
        request = banks.CreateBankConnectionRequest(connection=connection)
        method = BankConnectionServiceStub(self.edge.channel).CreateBankConnection
        return (await self.edge.call(method, request)).connection

    async def mails(self, connection_id: str) -> list[mail_service_pb2.Mail]:
        """The latest mails of a connection, newest first."""
        request = mail_service_pb2.ListMailsRequest(
            bank_connection_id=connection_id, page_size=LISTED_MAX
        )
        return list((await self.edge.call(self._mails.ListMails, request)).mails)

    async def mail(self, mail_id: str) -> mail_service_pb2.Mail:
        """One mail with its evidence."""
        request = mail_service_pb2.GetMailRequest(id=mail_id)
        return (await self.edge.call(self._mails.GetMail, request)).mail

    async def payments(
        self, *, variable_symbol: str = "", connection_id: str = ""
    ) -> list[payment_pb2.Payment]:
        """The latest payments, newest first."""
        request = payment_service_pb2.ListPaymentsRequest(
            variable_symbol=variable_symbol, connection_id=connection_id, page_size=LISTED_MAX
        )
        return list((await self.edge.call(self._payments.ListPayments, request)).payments)

    async def payment(self, payment_id: str) -> payment_pb2.Payment:
        """One payment with its whole explanation."""
        request = payment_service_pb2.GetPaymentRequest(id=payment_id)
        return (await self.edge.call(self._payments.GetPayment, request)).payment

    async def confirm(self, payment_id: str) -> payment_pb2.Payment:
        """Let a payment that waits take part in matching."""
        request = payment_service_pb2.ConfirmPaymentRequest(id=payment_id)
        return (await self.edge.call(self._payments.ConfirmPayment, request)).payment

    async def match(self, payment_id: str, order_id: str) -> payment_pb2.Payment:
        """Give a payment to an order by hand."""
        request = payment_service_pb2.MatchPaymentRequest(
            id=payment_id, shares=[payment_service_pb2.Share(order_id=order_id)]
        )
        return (await self.edge.call(self._payments.MatchPayment, request)).payment

    async def credit(self, payment_id: str) -> payment_pb2.Payment:
        """Keep what is over of a payment as the customer's credit."""
        request = payment_service_pb2.CreditPaymentRequest(id=payment_id)
        return (await self.edge.call(self._payments.CreditPayment, request)).payment

    async def rules(self) -> payment_service_pb2.MatchingRules:
        """The rules of matching that hold."""
        request = payment_service_pb2.GetMatchingRulesRequest()
        return (await self.edge.call(self._payments.GetMatchingRules, request)).rules

    async def try_criteria(
        self, criteria: Sequence["payment_pb2.Criterion.ValueType"]
    ) -> payment_service_pb2.TryMatchingRulesResponse:
        """What these criteria, in this order, would decide otherwise; all else as it is."""
        rules = payment_service_pb2.MatchingRules()
        rules.CopyFrom(await self.rules())
        rules.criteria[:] = criteria
        request = payment_service_pb2.TryMatchingRulesRequest(rules=rules)
        return await self.edge.call(self._payments.TryMatchingRules, request)

    @property
    def _mails(self) -> "MailServiceAsyncStub":
        return MailServiceStub(self.edge.channel)

    @property
    def _payments(self) -> "PaymentServiceAsyncStub":
        return PaymentServiceStub(self.edge.channel)
