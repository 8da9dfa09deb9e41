"""A bank that writes to the tenant, DNS that proves it, and what becomes of its mails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from mail_ingest.connections.address import recipient_hash
from mail_ingest.mails.arrival import Arrival, Arrivals
from mail_ingest.mails.janitor import Janitor
from mail_ingest.mails.worker import Worker
from spojka.api.mail.v1 import events_pb2, mail_service_pb2
from spojka.api.mail.v1.events_pb2 import PaymentNotified
from spojka.api.payments.v1 import connection_service_pb2
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.outbox import new_id
from tests.mail_ingest import letters
from tests.mail_ingest.desk import DOMAIN, Desk
from tests.mail_ingest.zone import Zone
from tests.waiting import until

ACCOUNT = "1111111111/2010"
BANK_IP = "192.0.2.25"
BANK_SENDER = "automat@fio.cz"

STATES = mail_service_pb2.MailState
TRUSTS = events_pb2.Trust


def letter(vs: str = "26000147", amount: str = "1249.00", *, own: str = "1111111111") -> bytes:
    """Fio's mail of a payment that came in today."""
    now = datetime.now(UTC)
    told = letters.Told(
        amount=Decimal(amount), vs=vs, own=own, day=now.strftime("%d.%m.%Y"), message=f"order {vs}"
    )
    return letters.mail(
        letters.fio_prose(told),
        sender=BANK_SENDER,
        subject="Fio banka - zmena zustatku",
        date=format_datetime(now),
    )


@dataclass
class Scene:
    """The parts of the service without its ports, and the tenant whose bank writes."""

    desk: Desk
    database: Database
    zone: Zone
    worker: Worker
    arrivals: Arrivals
    janitor: Janitor
    health: Health
    connection: connection_service_pb2.BankConnection
    nudges: list[None] = field(default_factory=list)

    async def send(
        self,
        raw: bytes,
        *,
        to: str = "",
        ip: str = BANK_IP,
        sender: str = BANK_SENDER,
        at: datetime | None = None,
    ) -> UUID:
        """Put a mail in as the door does; returns the id it would have."""
        hashed = recipient_hash(to or self.connection.address, DOMAIN)
        assert hashed is not None
        arrival = Arrival(
            id=new_id(),
            local_hash=hashed,
            digest=sha256(raw).digest(),
            client_ip=ip,
            helo="mx.fio.cz",
            envelope_from=sender,
            receive_time=at or datetime.now(UTC),
            raw=raw,
        )
        await self.arrivals.store(arrival)
        return arrival.id

    async def mail(self, mail_id: UUID) -> mail_service_pb2.Mail:
        return (await self.desk.mail(str(mail_id))).mail

    async def judged(self, *mail_ids: UUID) -> list[mail_service_pb2.Mail]:
        """The mails, once all of them are judged."""

        async def done() -> bool:
            mails = [await self.mail(mail_id) for mail_id in mail_ids]
            return all(mail.state != mail_service_pb2.MAIL_STATE_RECEIVED for mail in mails)

        await until(done, "the mails are judged")
        return [await self.mail(mail_id) for mail_id in mail_ids]

    async def told(self) -> list[PaymentNotified]:
        return await told(self.database, self.desk.tenant)

    async def tasks(self, kind: str, *, resolved: bool = False) -> list[Any]:
        request = mail_service_pb2.ListMailTasksRequest(include_resolved=resolved, page_size=500)
        answer = await self.desk.call("ListMailTasks", request)
        return [task for task in answer.tasks if task.kind == kind]

    async def sql(self, statement: str, *values: object) -> int:
        """Change the tenant's rows behind the service's back; returns how many."""
        async with self.database.transaction(self.desk.tenant) as connection:
            cursor = await connection.execute(statement.encode(), list(values))
            return cursor.rowcount

    async def make_due(self) -> None:
        """Let waiting mails be taken now."""
        await self.sql(
            "UPDATE mail_queue SET due_time = now() WHERE tenant_id = %s", self.desk.tenant
        )
        self.worker.nudge()


async def told(database: Database, tenant: UUID) -> list[PaymentNotified]:
    """What payments are told of the tenant's mails, in the outbox's order; ids are unique."""
    async with database.infrastructure() as connection:
        cursor = await connection.execute(
            "SELECT id, value FROM outbox WHERE key LIKE %s ORDER BY number", [f"{tenant}/%"]
        )
        rows: Mapping[UUID, bytes] = dict(found := await cursor.fetchall())
    assert len(rows) == len(found), "an event is there twice"
    return [PaymentNotified.FromString(value) for value in rows.values()]
