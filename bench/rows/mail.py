"""Banks' mails taken in at the SMTP door.

Measured: mails as Fio writes them, each over a connection of its own, sixteen
connections at once; the recipient looked up, limits kept, the mail in its
tables under row-level security and its place in the queue committed before the
door says 250. The door stands alone in its process. Ceiling: bare aiosmtpd,
which inserts the mail's bytes into one table, by the same client, with the
same mails, on the same server.

The second line is the whole service as operators run it, whose worker judges
and tells of the mails meanwhile in the same process: what is left for the door
while a flood is judged.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final
from uuid import uuid4

from bench.door import TABLE
from bench.measure import Timed, alternate
from bench.post import FIO_ACCOUNT, Post, letters, street, transfers
from bench.processes import free_port, running, takes_connections
from bench.result import Result, rate_against
from bench.stage import INTERNAL_TOKEN, SEALING_KEYS, Stage
from mail_ingest.connections.service import BankConnectionServicer
from sandbox.banks import Bank
from sandbox.banks.dns_server import HOST, serving
from sandbox.banks.dns_server import free_port as free_dns_port
from sandbox.banks.fio import Prose
from spojka.api.payments.v1 import connection_service_pb2
from spojka.identity import Identity, Scope
from spojka.rpc.server import Call
from spojka.secrets import Seal

MAILS: Final = 1_500
QUICK_MAILS: Final = 400
WARM_UP_MAILS: Final = 100
CONNECTIONS: Final = 16
CONNECTIONS_PER_IP_MAX: Final = 100
"""Above what the client opens: one that has gone may be counted a moment longer."""
ROUNDS: Final = 5
CALL_SECONDS: Final = 30.0
JUDGED_SECONDS: Final = 120.0
_WAITING: Final = "SELECT FROM mail_queue LIMIT 1"

Door = Callable[[], AbstractAsyncContextManager[int]]
"""Opens a door for the time of a block; yields its port."""


async def accept(stage: Stage) -> list[Result]:
    """The door and the bare one in turns, then the whole service and the bare one."""
    banks = street()
    banks.fio.form = Prose()
    recipient = await _address(stage)
    plain = await stage.plain("mail_ingest")
    await (await stage.plain("public")).execute(TABLE)

    async def judged() -> None:
        async with asyncio.timeout(JUDGED_SECONDS):
            # Another process judges them.
            while await (await plain.execute(_WAITING)).fetchone():  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def at_once() -> None:
        pass

    async def ratio(
        what: str, door: Door, settled: Callable[[], Awaitable[None]], asked: float | None
    ) -> Result:
        async with door() as port, _bare(stage) as bare_port:
            ours = _carried(stage, banks.fio, recipient, port, settled)
            bare = _carried(stage, banks.fio, recipient, bare_port, at_once)
            pair = await alternate(ours, bare, ROUNDS)
        return rate_against(what, "mails/s", pair.figure, pair.limit, at_least=asked)

    async with serving(banks.zone, dns_port := free_dns_port()):
        return [
            await ratio("bank mail accepted and stored", lambda: _door(stage), at_once, 0.7),
            await ratio(
                "— the same while the service judges what it took",
                lambda: _service(stage, f"{HOST}:{dns_port}"),
                judged,
                None,
            ),
        ]


async def _address(stage: Stage) -> str:
    """The address of a new bank connection of a new tenant."""
    seal = Seal(stage.settings.sealing)
    servicer = BankConnectionServicer(
        await stage.database("mail_ingest"), seal, stage.settings.mail_domain
    )
    wanted = connection_service_pb2.BankConnection(account=f"{FIO_ACCOUNT}/2010", currency="CZK")
    answer = await servicer.create_bank_connection(
        connection_service_pb2.CreateBankConnectionRequest(connection=wanted),
        Call(Identity(uuid4(), Scope.OPERATOR, "bench"), CALL_SECONDS),
    )
    return answer.connection.address


def _carried(
    stage: Stage, bank: Bank, recipient: str, port: int, settled: Callable[[], Awaitable[None]]
) -> Timed:
    """Brings new mails to a door; mails a second. What they cause is waited for afterwards."""
    count = QUICK_MAILS if stage.quick else MAILS
    post = Post(port, bank.house.client_ip, bank.house.sender, recipient)

    async def carry() -> float:
        mails = letters(bank, FIO_ACCOUNT, "CZK", recipient, transfers(WARM_UP_MAILS + count))
        await post.deliver_all(mails[:WARM_UP_MAILS], CONNECTIONS)
        await settled()
        rate = await post.deliver_all(mails[WARM_UP_MAILS:], CONNECTIONS)
        await settled()
        return rate

    return carry


@asynccontextmanager
async def _door(stage: Stage) -> AsyncIterator[int]:
    port = free_port()
    environment = _environment(stage, port)
    async with running("bench.door", ["house"], environment, port=port, ready=takes_connections):
        yield port


@asynccontextmanager
async def _service(stage: Stage, dns_server: str) -> AsyncIterator[int]:
    await stage.ensure_topics("mail_ingest")
    port, calls = free_port(), free_port()
    environment = _environment(stage, port) | {
        "SPOJKA_KAFKA_BOOTSTRAP": stage.settings.required_bootstrap(),
        "SPOJKA_TOPIC_PREFIX": stage.settings.topic_prefix,
        "SPOJKA_INTERNAL_TOKEN": INTERNAL_TOKEN,
        "SPOJKA_SERVICE_PORT": str(calls),
        "SPOJKA_DNS_SERVERS": dns_server,
    }
    async with running("spojka", ["serve", "mail_ingest"], environment, port=calls):
        yield port


@asynccontextmanager
async def _bare(stage: Stage) -> AsyncIterator[int]:
    port = free_port()
    arguments = ["bare", str(port), stage.superuser_url]
    async with running("bench.door", arguments, {}, port=port, ready=takes_connections):
        yield port


def _environment(stage: Stage, smtp_port: int) -> dict[str, str]:
    return {
        "SPOJKA_DATABASE_URL": stage.service_url("mail_ingest"),
        "SPOJKA_SEALING_KEYS": SEALING_KEYS,
        "SPOJKA_MAIL_DOMAIN": stage.settings.mail_domain,
        "SPOJKA_SMTP_PORT": str(smtp_port),
        "SPOJKA_SMTP_CONNECTIONS_PER_IP_MAX": str(CONNECTIONS_PER_IP_MAX),
        "SPOJKA_LOG_LEVEL": "warning",
    }
