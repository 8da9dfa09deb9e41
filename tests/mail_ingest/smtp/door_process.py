"""A door in a process of its own, so that its memory can be measured. Prints its port."""

import asyncio
import signal
import sys

from mail_ingest.mails.arrival import Arrivals
from mail_ingest.service import SERVICE
from mail_ingest.smtp.server import SmtpServer
from spojka.database import Database
from spojka.settings import load_settings
from spojka.telemetry import configure_logging


async def main() -> None:
    """Take mails until SIGTERM."""
    settings = load_settings()
    configure_logging(settings, SERVICE.name)
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    database = Database(url, SERVICE.name, application="door")
    await database.open()
    arrivals = Arrivals(database, lambda: None)
    door = SmtpServer(database, settings, arrivals)
    await arrivals.start()
    await door.start()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    sys.stdout.write(f"{door.port}\n")
    sys.stdout.flush()
    await ended.wait()
    await door.stop()
    await arrivals.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
