"""The mail and the payments services as they run: processes on real PostgreSQL and Kafka."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from spojka.api.mail.v1 import mail_service_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.servers.ports import free_port
from tests.internal_calls import INTERNAL_TOKEN
from tests.mail_ingest.desk import DOMAIN, SEALING_KEYS

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.05


@dataclass(slots=True)
class House:
    """Two running services and what their databases say, read as the superuser."""

    url: str
    smtp_port: int
    mail_address: str
    mail_pid: int
    logs: Path
    books: psycopg.AsyncConnection[dict[str, Any]]

    async def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        """Ask the databases."""
        cursor = await self.books.execute(query.encode(), list(values))
        return await cursor.fetchall()

    async def unjudged(self) -> int:
        """How many mails wait to be judged."""
        (row,) = await self.rows("SELECT count(*) AS count FROM mail_ingest.mail_queue")
        count: int = row["count"]
        return count

    async def until_paid(self, order_id: UUID, amount: Decimal) -> None:
        """Wait until so much is paid of an order."""
        while True:
            found = await self.rows(
                "SELECT paid FROM payments.payable WHERE order_id = %s", order_id
            )
            if found and found[0]["paid"] == amount:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def story_of(self, digest: bytes) -> str:
        """What became of a mail, in the product's own words."""
        mails = await self.rows("SELECT * FROM mail_ingest.mail WHERE digest = %s", digest)
        if not mails:
            return "the mail is not stored"
        told = await self.rows(
            "SELECT value FROM payments.payment WHERE id IN"
            " (SELECT payment_id FROM payments.payment_source WHERE mail_id = %s)",
            mails[0]["id"],
        )
        payments = [payment_pb2.Payment.FromString(row["value"]) for row in told]
        return f"{mail_service_pb2.Mail.FromString(mails[0]['value'])}\n{payments}"

    async def until_quiet(self) -> None:
        """Wait until every mail is judged, told and taken."""
        query = """
            SELECT (SELECT count(*) FROM mail_ingest.mail_queue)
                 + (SELECT count(*) FROM mail_ingest.outbox)
                 + (SELECT count(*) FROM payments.outbox)
                 + (SELECT count(*) FROM payments.recheck)
                 + (SELECT count(*) FROM mail_ingest.notified)
                 - (SELECT count(*) FROM payments.payment_source) AS left
        """
        while (await self.rows(query))[0]["left"]:  # noqa: ASYNC110 - another process writes
            await asyncio.sleep(LOOK_SECONDS)

    def memory_bytes(self) -> int:
        """What the mail service holds now."""
        status = Path(f"/proc/{self.mail_pid}/status").read_text()
        match = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert match is not None
        return int(match[1]) * 1024

    def broken(self) -> list[str]:
        """Lines of the logs that tell of errors."""
        return [
            line
            for path in sorted(self.logs.glob("*.log"))
            for line in path.read_text("utf-8").splitlines()
            if '"error"' in line or "Traceback" in line
        ]


@asynccontextmanager
async def running(
    url: str, urls: Mapping[str, str], settings: Mapping[str, object], logs: Path
) -> AsyncIterator[House]:
    """Run both services. `urls` are the databases as each logs in, `settings` more of theirs."""
    smtp = free_port()
    async with AsyncExitStack() as stack:
        ports, pids = {}, {}
        for service in ("mail_ingest", "payments"):
            ports[service] = free_port()
            values = {
                "database_url": urls[service],
                "service_port": ports[service],
                "smtp_port": smtp,
                "mail_domain": DOMAIN,
                "internal_token": INTERNAL_TOKEN,
                "sealing_keys": SEALING_KEYS,
                **settings,
            }
            environment = {f"SPOJKA_{name.upper()}": str(value) for name, value in values.items()}
            process = _process(service, os.environ | environment, logs / f"{service}.log")
            pids[service] = await stack.enter_async_context(process)
        for port in (*ports.values(), smtp):
            await _until_open(port)
        books = await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row)
        stack.push_async_callback(books.close)
        address = f"127.0.0.1:{ports['mail_ingest']}"
        yield House(url, smtp, address, pids["mail_ingest"], logs, books)


@asynccontextmanager
async def _process(service: str, environment: Mapping[str, str], log: Path) -> AsyncIterator[int]:
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "spojka", "serve", service),
            env=environment,
            stdout=written,
            stderr=written,
        )
    try:
        yield process.pid
        assert process.returncode is None, f"{service} ended; read {log}"
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()


async def _until_open(port: int) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                writer.transport.abort()
                return
