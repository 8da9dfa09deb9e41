"""The service as it runs: from the SMTP port to Kafka."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import uuid4

import pytest

from mail_ingest.service import SERVICE
from mail_ingest.smtp.server import SmtpServer
from spojka.api.mail.v1.events_pb2 import PaymentNotified
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.settings import Settings
from spojka.topics import Topic
from tests.mail_ingest.desk import Desk
from tests.mail_ingest.mails.scene import ACCOUNT, BANK_SENDER, letter
from tests.mail_ingest.smtp.wire import greeted
from tests.mail_ingest.zone import bank_zone, serving
from tests.running_service import running_service
from tests.topics import committed_events, topics, with_own_topics
from tests.waiting import until


@dataclass(frozen=True)
class House:
    """The running service."""

    desk: Desk
    port: int
    settings: Settings


@pytest.fixture
async def house(
    database: Database, settings: Settings, kafka_bootstrap: str
) -> AsyncIterator[House]:
    """The service as `serve` runs it, its bank mail coming from the loopback."""
    zone = bank_zone({}, {"fio.cz": ["127.0.0.1"]})
    async with serving(zone) as (host, port):
        settings = with_own_topics(settings, kafka_bootstrap).model_copy(
            update={"dns_servers": f"{host}:{port}"}
        )
        async with (
            topics(settings, SERVICE.name),
            running_service(SERVICE, settings, database) as running,
            open_channel(f"127.0.0.1:{running.port}") as wire,
        ):
            (door,) = (part for part in running.parts if isinstance(part, SmtpServer))
            desk = Desk(wire, Identity(uuid4(), Scope.OPERATOR, "operator"))
            yield House(desk, door.port, settings)


async def test_a_banks_mail_becomes_an_event(house: House) -> None:
    connection = await house.desk.connect(ACCOUNT)
    mails = [letter(str(vs)) + b"\r\n" for vs in range(1, 6)]
    async with greeted(house.port) as wire:
        for raw in [*mails, mails[0]]:
            assert (await wire.say(f"MAIL FROM:<{BANK_SENDER}>")).startswith("250")
            assert (await wire.say(f"RCPT TO:<{connection.address}>")).startswith("250")
            await wire.say("DATA")
            assert (await wire.say(raw + b".")).startswith("250")
    seen: list[PaymentNotified] = []

    async def all_seen() -> bool:
        seen[:] = await asyncio.to_thread(
            committed_events,
            house.settings,
            Topic.NOTIFICATIONS,
            str(house.desk.tenant),
            [PaymentNotified],
        )
        return len(seen) >= len(mails)

    await until(all_seen, "every mail is an event")
    assert sorted(event.payment.variable_symbol for event in seen) == ["1", "2", "3", "4", "5"]
    assert {event.bank_connection_id for event in seen} == {connection.id}
