"""A scene with the bank's zone served, and a worker that asks it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from mail_ingest.connections.service import BankConnectionServicer
from mail_ingest.genuineness.resolver import Resolver
from mail_ingest.mails.arrival import Arrivals
from mail_ingest.mails.janitor import Janitor
from mail_ingest.mails.judge import Judge
from mail_ingest.mails.service import MailServicer
from mail_ingest.mails.worker import Worker
from spojka.api.mail.v1 import mail_service_pb2
from spojka.api.payments.v1 import connection_service_pb2
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from spojka.secrets import Seal
from spojka.settings import Settings
from tests.internal_calls import internal_server
from tests.mail_ingest.desk import DOMAIN, Desk
from tests.mail_ingest.mails.scene import ACCOUNT, BANK_IP, Scene
from tests.mail_ingest.zone import Zone, bank_zone, serving


@pytest.fixture(autouse=True)
async def empty_queue(database: Database) -> None:
    """What other tests left unjudged is none of these tests' business."""
    async with database.infrastructure() as connection:
        await connection.execute("DELETE FROM mail_queue")


@pytest.fixture
def zone() -> Zone:
    return bank_zone({}, {"fio.cz": [BANK_IP], "evil.example": ["198.51.100.66"]})


@pytest.fixture
async def scene(
    database: Database, seal: Seal, settings: Settings, tenant: UUID, zone: Zone
) -> AsyncIterator[Scene]:
    """The worker is not started: tests start it when they are ready."""
    async with AsyncExitStack() as stack:
        name_server = await stack.enter_async_context(serving(zone))
        resolver = Resolver([name_server], timeout_seconds=3.0, lifetime_seconds=3.0)
        judge = Judge(resolver, settings.mail_max_age_days)
        health, nudges = Health(), list[None]()
        worker = Worker(database, judge, health, lambda: nudges.append(None))
        arrivals = Arrivals(database, worker.nudge)
        server = internal_server()
        connections, mails = connection_service_pb2.DESCRIPTOR, mail_service_pb2.DESCRIPTOR
        server.add(
            connections.services_by_name["BankConnectionService"],
            BankConnectionServicer(database, seal, DOMAIN),
        )
        server.add(
            mails.services_by_name["MailService"],
            MailServicer(database, seal, DOMAIN, judge, lambda: nudges.append(None)),
        )
        for part in (arrivals, server):
            await part.start()
            stack.push_async_callback(part.stop)
        stack.push_async_callback(worker.stop)
        wire = await stack.enter_async_context(open_channel(f"127.0.0.1:{server.port}"))
        desk = Desk(wire, Identity(tenant, Scope.OPERATOR, "operator"))
        yield Scene(
            desk,
            database,
            zone,
            worker,
            arrivals,
            Janitor(database, seal, health, settings.mail_retention_days),
            health,
            await desk.connect(ACCOUNT, automatic_limit="5000", automatic_per_hour=9),
            nudges,
        )
