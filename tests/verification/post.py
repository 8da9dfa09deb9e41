"""A merchant's bank mail, lived through by the service's own code."""

from contextlib import AsyncExitStack
from uuid import UUID, uuid4

from pydantic import SecretStr

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
from tests.mail_ingest.desk import DOMAIN, SEALING_KEYS, Desk
from tests.mail_ingest.mails.scene import ACCOUNT, BANK_IP, Scene, letter
from tests.mail_ingest.zone import bank_zone, serving


async def live_with_mail(database: Database) -> UUID:
    """Mails trusted, forged and not to be read; returns the tenant."""
    tenant = uuid4()
    settings = Settings(mail_domain=DOMAIN, smtp_port=0, sealing_keys=SecretStr(SEALING_KEYS))
    seal = Seal(settings.sealing)
    zone = bank_zone({}, {"fio.cz": [BANK_IP], "evil.example": ["198.51.100.66"]})
    async with AsyncExitStack() as stack:
        name_server = await stack.enter_async_context(serving(zone))
        resolver = Resolver([name_server], timeout_seconds=3.0, lifetime_seconds=3.0)
        judge, health = Judge(resolver, settings.mail_max_age_days), Health()
        worker = Worker(database, judge, health, lambda: None)
        arrivals = Arrivals(database, worker.nudge)
        server = internal_server()
        connections, mails = connection_service_pb2.DESCRIPTOR, mail_service_pb2.DESCRIPTOR
        server.add(
            connections.services_by_name["BankConnectionService"],
            BankConnectionServicer(database, seal, DOMAIN),
        )
        server.add(
            mails.services_by_name["MailService"],
            MailServicer(database, seal, DOMAIN, judge, lambda: None),
        )
        for part in (arrivals, server, worker):
            await part.start()
            stack.push_async_callback(part.stop)
        wire = await stack.enter_async_context(open_channel(f"127.0.0.1:{server.port}"))
        desk = Desk(wire, Identity(tenant, Scope.OPERATOR, "operator"))
        connection = await desk.connect(ACCOUNT)
        janitor = Janitor(database, seal, health, settings.mail_retention_days)
        scene = Scene(desk, database, zone, worker, arrivals, janitor, health, connection)
        sent = [await scene.send(letter(vs)) for vs in ("261", "262")]
        sent.append(await scene.send(letter("263"), ip="203.0.113.9"))
        sent.append(await scene.send(b"From: automat@fio.cz\r\nSubject: new form\r\n\r\nnothing"))
        await scene.judged(*sent)
    return tenant
