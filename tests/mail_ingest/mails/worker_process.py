"""Door and worker in a process of their own, to be killed at named steps. Prints the port."""

import asyncio
import signal
import sys

from mail_ingest.genuineness.resolver import Resolver
from mail_ingest.mails.arrival import Arrivals
from mail_ingest.mails.judge import Judge
from mail_ingest.mails.worker import Worker
from mail_ingest.service import SERVICE
from mail_ingest.smtp.server import SmtpServer
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.service import Component
from spojka.settings import load_settings
from spojka.telemetry import configure_logging


async def main() -> None:
    """Take and judge mails until SIGTERM."""
    settings = load_settings()
    configure_logging(settings, SERVICE.name)
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    database = Database(url, SERVICE.name, application="worker")
    await database.open()
    judge = Judge(Resolver(settings.dns_server_list), settings.mail_max_age_days)
    worker = Worker(database, judge, Health(), lambda: None)
    arrivals = Arrivals(database, worker.nudge)
    door = SmtpServer(database, settings, arrivals)
    parts: list[Component] = [worker, arrivals, door]
    for part in parts:
        await part.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    sys.stdout.write(f"{door.port}\n")
    sys.stdout.flush()
    await ended.wait()
    for part in reversed(parts):
        await part.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
