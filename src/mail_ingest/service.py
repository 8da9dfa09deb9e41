"""The service `mail_ingest`, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from mail_ingest.connections.service import BankConnectionServicer
from mail_ingest.genuineness.resolver import Resolver
from mail_ingest.mails.arrival import Arrivals
from mail_ingest.mails.janitor import Janitor
from mail_ingest.mails.judge import Judge
from mail_ingest.mails.service import MailServicer
from mail_ingest.mails.worker import Worker
from mail_ingest.smtp.server import SmtpServer
from spojka.api.mail.v1 import mail_service_pb2
from spojka.api.payments.v1 import connection_service_pb2
from spojka.rpc.server import Server
from spojka.secrets import Seal
from spojka.service import Component, Ground, Service


@dataclass(frozen=True, slots=True)
class MailIngestService:
    """Bank connections, the SMTP door, and the judging of what comes through it."""

    name: str = "mail_ingest"
    default_port: int = 50054
    consumer_groups: Sequence[str] = ()

    @property
    def migrations(self) -> Traversable:
        """The folder of its migrations."""
        return files("mail_ingest") / "migrations"

    def assemble(self, ground: Ground, server: Server) -> Sequence[Component]:
        """Put the parts together; the door opens last and closes first."""
        settings, database = ground.settings, ground.database
        seal = Seal(settings.sealing)
        judge = Judge(Resolver(settings.dns_server_list), settings.mail_max_age_days)
        worker = Worker(database, judge, ground.health, ground.relay.nudge)
        arrivals = Arrivals(database, stored=worker.nudge)
        connections, mails = connection_service_pb2.DESCRIPTOR, mail_service_pb2.DESCRIPTOR
        server.add(
            connections.services_by_name["BankConnectionService"],
            BankConnectionServicer(database, seal, settings.mail_domain),
        )
        server.add(
            mails.services_by_name["MailService"],
            MailServicer(database, seal, settings.mail_domain, judge, ground.relay.nudge),
        )
        return [
            Janitor(database, seal, ground.health, settings.mail_retention_days),
            worker,
            arrivals,
            SmtpServer(database, settings, arrivals),
        ]


SERVICE: Final[Service] = MailIngestService()
