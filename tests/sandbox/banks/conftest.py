"""The product's mail service as it is put together, with the stand-ins' name server behind it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from mail_ingest.mails.worker import Worker
from mail_ingest.service import SERVICE
from mail_ingest.smtp.server import SmtpServer
from sandbox.banks import Account, Bank, Movement, Street, Transfer, running
from sandbox.banks.dns_server import HOST, free_port
from spojka.api.mail.v1.events_pb2 import PaymentNotified
from spojka.api.mail.v1.mail_service_pb2 import MAIL_STATE_RECEIVED, Mail
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.delivery.relay import Relay
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.service import Ground
from spojka.settings import Settings
from tests.conftest import MakeDatabase
from tests.internal_calls import internal_server
from tests.mail_ingest.desk import DOMAIN, SEALING_KEYS, Desk
from tests.mail_ingest.mails.scene import told
from tests.sandbox.banks.letters import PAYER, TATRA_PAYER
from tests.waiting import until


@dataclass
class Town:
    """The stand-ins, the product's mail service, and one merchant's operator."""

    street: Street
    desk: Desk
    database: Database
    worker: Worker
    tenant: UUID

    async def client(self, bank: Bank, number: str, account: str, currency: str) -> None:
        """Make the merchant a client of a bank, which is told the address of the connection."""
        connection = await self.desk.connect(account, currency)
        owner = "E-shop Vzor s.r.o."
        bank.open_account(Account(number, currency, owner, Decimal(1000), [connection.address]))

    async def mails(self, count: int) -> list[Mail]:
        """The mails that came, oldest first, once there are so many and all are judged."""

        async def judged() -> bool:
            mails = await self.desk.mails()
            return len(mails) == count and all(mail.state != MAIL_STATE_RECEIVED for mail in mails)

        await until(judged, f"{count} mails are judged")
        return [(await self.desk.mail(mail.id)).mail for mail in await self.desk.mails()][::-1]

    async def notified(self) -> list[PaymentNotified]:
        """What the payments service is told."""
        return await told(self.database, self.tenant)

    async def make_due(self) -> None:
        """Let mails that wait for DNS be judged again now."""
        async with self.database.infrastructure() as connection:
            await connection.execute("UPDATE mail_queue SET due_time = now()")
        self.worker.nudge()


def transfer(bank: Bank, amount: str, **fields: str) -> Transfer:
    """A transfer whose payer is written as the bank prints it."""
    payer = TATRA_PAYER if bank.house.name == "tatra" else PAYER
    return Transfer(Decimal(amount), payer, "Vzorová Eva", **fields)


def same(movement: Movement, notified: PaymentNotified) -> bool:
    """Whether the product was told of exactly this movement."""
    payment, booked = notified.payment, movement.transfer
    return (
        Decimal(payment.amount.amount) == abs(movement.amount)
        and payment.incoming == (movement.amount > 0)
        and payment.amount.currency == movement.currency
        and payment.value_date == f"{movement.time:%Y-%m-%d}"
        and payment.variable_symbol == booked.vs.lstrip("0")
        and payment.constant_symbol == booked.ks
        and Decimal(payment.balance_after) == movement.balance_after
        and bool(payment.counter_account)
    )


@pytest.fixture
async def town(make_database: MakeDatabase) -> AsyncIterator[Town]:
    database, tenant, dns_port = await make_database("mail_ingest"), uuid4(), free_port()
    settings = Settings(
        mail_domain=DOMAIN,
        smtp_port=0,
        dns_servers=f"{HOST}:{dns_port}",
        sealing_keys=SecretStr(SEALING_KEYS),
        kafka_bootstrap="127.0.0.1:1",
    )
    health = Health()
    # Not started: what payments are told stays in the outbox, to be read.
    relay = Relay(database, settings, SERVICE.name, health)
    server = internal_server()
    parts = SERVICE.assemble(Ground(settings, database, relay, health), server)
    async with AsyncExitStack() as stack:
        for part in (*parts, server):
            await part.start()
            stack.push_async_callback(part.stop)
        (door,) = (part for part in parts if isinstance(part, SmtpServer))
        (worker,) = (part for part in parts if isinstance(part, Worker))
        wire = await stack.enter_async_context(open_channel(f"127.0.0.1:{server.port}"))
        street = await stack.enter_async_context(running("127.0.0.1", door.port, dns_port=dns_port))
        desk = Desk(wire, Identity(tenant, Scope.OPERATOR, "operator"))
        yield Town(street, desk, database, worker, tenant)
