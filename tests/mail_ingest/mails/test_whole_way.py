"""The service as it runs: from the SMTP port to Kafka."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from mail_ingest.service import SERVICE
from mail_ingest.smtp.server import SmtpServer
from spojka.api.mail.v1.events_pb2 import PaymentNotified
from spojka.database import Database
from spojka.delivery.admin import all_topics, ensure_topics
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import consumer_config, kafka_config
from spojka.delivery.relay import Relay
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.rpc.server import Server
from spojka.service import Ground
from spojka.settings import Settings
from spojka.topics import Topic
from tests.mail_ingest.desk import INTERNAL_TOKEN, Desk
from tests.mail_ingest.mails.scene import ACCOUNT, BANK_SENDER, letter
from tests.mail_ingest.smtp.wire import greeted, until
from tests.mail_ingest.zone import bank_zone, serving

PATIENCE_SECONDS: Final = 60.0
PARTITIONS: Final = 2


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
    async with AsyncExitStack() as stack:
        host, port = await stack.enter_async_context(
            serving(bank_zone({}, {"fio.cz": ["127.0.0.1"]}))
        )
        settings = settings.model_copy(
            update={
                "kafka_bootstrap": kafka_bootstrap,
                "topic_prefix": f"t{secrets.token_hex(4)}",
                "stock_partitions": PARTITIONS,
                "orders_partitions": PARTITIONS,
                "payments_partitions": PARTITIONS,
                "dns_servers": f"{host}:{port}",
            }
        )
        await ensure_topics(settings, groups=[], schemas=[SERVICE.name])
        stack.push_async_callback(asyncio.to_thread, drop_topics, settings)
        health = Health()
        relay = Relay(database, settings, SERVICE.name, health)
        server = Server("127.0.0.1", 0, internal_token=INTERNAL_TOKEN, call_deadline_seconds=30.0)
        parts = SERVICE.assemble(Ground(settings, database, relay, health), server)
        for part in (relay, *parts, server):
            await part.start()
            stack.push_async_callback(part.stop)
        (door,) = (part for part in parts if isinstance(part, SmtpServer))
        wire = await stack.enter_async_context(open_channel(f"127.0.0.1:{server.port}"))
        yield House(Desk(wire, Identity(uuid4(), Scope.OPERATOR, "operator")), door.port, settings)


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
        seen[:] = await asyncio.to_thread(read, house.settings, house.desk.tenant)
        return len(seen) >= len(mails)

    await until(all_seen, "every mail is an event")
    assert sorted(event.payment.variable_symbol for event in seen) == ["1", "2", "3", "4", "5"]
    assert {event.bank_connection_id for event in seen} == {connection.id}


def read(settings: Settings, tenant: UUID) -> list[PaymentNotified]:
    """Every committed event of the tenant."""
    config = consumer_config(kafka_config(settings, "tests"), f"reader-{uuid4()}")
    consumer = Consumer(config | {"enable.auto.commit": False, "enable.partition.eof": True})
    topic = Topic.NOTIFICATIONS.full_name(settings.topic_prefix)
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
        found: list[PaymentNotified] = []
        ended: set[int | None] = set()
        while len(ended) < PARTITIONS:
            for message in consumer.consume(100, timeout=1.0):
                if message.error() is not None:
                    ended.add(message.partition())
                elif (message.key() or b"").startswith(str(tenant).encode()):
                    found.append(PaymentNotified.FromString(message.value() or b""))
        return found
    finally:
        consumer.close()


def drop_topics(settings: Settings) -> None:
    """Remove what the test made."""
    admin = AdminClient({"bootstrap.servers": settings.required_bootstrap()})
    specs = all_topics(settings, groups=[], schemas=[SERVICE.name])
    for done in admin.delete_topics([spec.name for spec in specs]).values():
        done.result(PATIENCE_SECONDS)
