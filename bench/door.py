"""SMTP doors in processes of their own: ours, and the barest that stores mails.

`python -m bench.door house` is the service's door with what writes its mails
down, and without the worker that judges them; settings come from the
environment. `python -m bench.door bare PORT DATABASE_URL` is aiosmtpd with one
insert a mail, which looks no recipient up and limits nothing.
"""

import asyncio
import sys
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from psycopg_pool import AsyncConnectionPool

from mail_ingest.mails.arrival import Arrivals
from mail_ingest.smtp.server import SmtpServer
from spojka.database import POOL_MAX_CONNECTIONS, Database
from spojka.service import service_database_url
from spojka.settings import Settings, load_settings
from spojka.telemetry import configure_logging

TABLE: Final = """
    CREATE TABLE bare_mail (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                            receive_time timestamptz NOT NULL DEFAULT now(),
                            sender text NOT NULL, recipient text NOT NULL, raw bytea NOT NULL)
"""
_INSERT: Final = "INSERT INTO bare_mail (sender, recipient, raw) VALUES (%b, %b, %b)"


class _Bare:
    """Takes every recipient; a mail is committed before it is accepted."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: SmtpSession, envelope: Envelope
    ) -> str:
        values = [envelope.mail_from, envelope.rcpt_tos[0], envelope.content]
        async with self._pool.connection() as connection:
            await connection.execute(_INSERT, values)
        return "250 OK"


async def house(settings: Settings) -> None:
    """Take mails as the service does, until the process is ended."""
    url = service_database_url(settings, "mail_ingest")
    database = Database(url, "mail_ingest", application="bench")
    await database.open()
    arrivals = Arrivals(database, stored=lambda: None)
    await arrivals.start()
    await SmtpServer(database, settings, arrivals).start()
    await asyncio.Event().wait()


async def bare(port: int, database_url: str) -> None:
    """Take mails, until the process is ended."""
    async with AsyncConnectionPool(
        database_url,
        min_size=POOL_MAX_CONNECTIONS,
        max_size=POOL_MAX_CONNECTIONS,
        kwargs={"autocommit": True},
    ) as pool:
        handler, loop = _Bare(pool), asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(handler, loop=loop, hostname="bare"), "127.0.0.1", port
        )
        await server.serve_forever()


if __name__ == "__main__":
    configure_logging(load_settings(), "bench")
    if sys.argv[1] == "house":
        asyncio.run(house(load_settings()))
    else:
        asyncio.run(bare(int(sys.argv[2]), sys.argv[3]))
