"""Thousands of mutated letters to the running services: none pays what no bank booked.

They come from addresses that prove nothing and from the banks' own, whose SPF
passes, so that it is the reader that is tried and not only the proof. Good
letters between them are paid as ever. `SPOJKA_HOSTILE_MAILS` makes the flood
longer, `SPOJKA_HOSTILE_SEED` another one.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median
from typing import Final
from uuid import UUID, uuid4

import pytest

from payments.storage.origin import Origin
from payments.storage.pairs import confirm_sender
from spojka.api.orders.v1 import order_pb2
from spojka.database import Database
from spojka.delivery.admin import ensure_topics
from spojka.identity import Identity, Scope
from spojka.outbox import new_id
from spojka.rpc.client import open_channel
from spojka.settings import Settings
from tests.conftest import MakeDatabase, service_url
from tests.mail_ingest.desk import Desk
from tests.mail_ingest.genuineness.signing import rsa_key
from tests.mail_ingest.hostile.flood import STRANGER_IP, Lot, Mail, make_flood, unharmed
from tests.mail_ingest.hostile.house import House, running
from tests.mail_ingest.hostile.judgement import Sent, complaints, read_books
from tests.mail_ingest.hostile.ledger import BANKS, TATRA, Bank, Ledger, Movement
from tests.mail_ingest.hostile.mutations import VICTIM_SYMBOL
from tests.mail_ingest.hostile.sending import Envelope, Post, connected, digest
from tests.mail_ingest.zone import Zone, bank_zone, serving
from tests.payments.scene import Scene

SEED: Final = int(os.environ.get("SPOJKA_HOSTILE_SEED", "20261122"))
MAILS: Final = int(os.environ.get("SPOJKA_HOSTILE_MAILS", "2000"))
SENDERS: Final = 6
UNJUDGED_MAX: Final = 40
"""The flood goes as fast as mails are judged, so that what waits is the service's doing."""
LOOK_SECONDS: Final = 0.02
GOOD_EVERY: Final = 100
GOOD_SECONDS: Final = 2.0
"""Within which a good letter pays its order in the flood, where one that comes alone takes a
QUIET_SHARE of it; on a machine that is slower than that, so many times as long as one alone."""
QUIET_SHARE: Final = 8
QUIET_LETTERS: Final = 5
SLOW_SHARE: Final = 0.1
HARMLESS_SHARE: Final = 0.1
"""Of the mutated letters, those that lose nothing by it and pay their orders, at least."""
QUIET_SECONDS: Final = 60.0
GROWTH_BYTES_MAX: Final = 24 * 1024 * 1024
COMPLAINTS_TOLD_MAX: Final = 20
ORDERS_AT_ONCE: Final = 500


@dataclass(slots=True)
class Flood:
    """The mails on their way, and what was measured."""

    house: House
    post: Post
    addresses: dict[str, str]
    sent: dict[bytes, Sent] = field(default_factory=dict)
    good_seconds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    brought: int = 0

    async def quiet_seconds(self, movements: Sequence[Movement], random: Random) -> float:
        """How long good letters take that come alone, one after another."""
        seconds = [await self._send_good(movement, random) for movement in movements]
        return median(seconds)

    async def run(self, lots: list[Lot], good: Iterator[Movement], random: Random) -> None:
        """Send everything; a good letter goes along now and then."""
        waiting = iter(lots)
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watcher = group.create_task(self._send_good_ones(good, random, ended))
            async with asyncio.TaskGroup() as senders:
                for _ in range(SENDERS):
                    senders.create_task(self._send(waiting))
            ended.set()
            await watcher

    async def _send(self, lots: Iterator[Lot]) -> None:
        for lot in lots:
            mails = iter(lot)
            while not await self._send_some(lot[0].envelope, mails):
                pass

    async def _send_some(self, envelope: Envelope, mails: Iterator[Mail]) -> bool:
        """Send mails over one connection, until one is refused; whether that was all."""
        async with connected(self.post.port, envelope) as wire:
            for mail in mails:
                self.sent[digest(mail.raw)] = mail.sent
                recipient = self.addresses[mail.sent.movement.bank.name]
                taken = await self.post.bring(wire, envelope, recipient, mail.raw)
                self.brought += 1
                while await self.house.unjudged() > UNJUDGED_MAX:  # noqa: ASYNC110 - a process tells
                    await asyncio.sleep(LOOK_SECONDS)
                if not taken:
                    # Of one that is far too large the door does not wait for the end.
                    return False
        return True

    async def _send_good_ones(
        self, good: Iterator[Movement], random: Random, ended: asyncio.Event
    ) -> None:
        while not ended.is_set():
            if self.brought >= GOOD_EVERY * len(self.good_seconds):
                self.good_seconds.append(await self._send_good(next(good), random))
                self.memory.append(self.house.memory_bytes())
            await asyncio.sleep(LOOK_SECONDS)

    async def _send_good(self, movement: Movement, random: Random) -> float:
        """Send one good letter; returns the seconds until its order was paid."""
        mail = unharmed(movement, random)
        self.sent[digest(mail.raw)] = mail.sent
        began = time.monotonic()
        recipient = self.addresses[movement.bank.name]
        assert await self.post.bring_alone(mail.envelope, recipient, mail.raw)
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                await self.house.until_paid(movement.order_id, movement.amount)
        except TimeoutError:
            pytest.fail(
                f"a good letter pays nothing: {await self.house.story_of(digest(mail.raw))}"
            )
        return time.monotonic() - began


def zone() -> Zone:
    keys = {f"{TATRA.selector}._domainkey.{TATRA.domain}": rsa_key().record}
    ips = {bank.domain: [bank.ip] for bank in BANKS} | {"evil.example": [STRANGER_IP]}
    return bank_zone(keys, ips)


@pytest.fixture
async def house(database_url: str, kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[House]:
    settings = Settings(
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=f"t{secrets.token_hex(4)}",
        stock_partitions=1,
        orders_partitions=1,
        payments_partitions=2,
    )
    names = ("mail_ingest", "payments")
    await ensure_topics(settings, groups=["payments"], schemas=names)
    urls = {name: service_url(database_url, name) for name in names}
    async with AsyncExitStack() as stack:
        host, port = await stack.enter_async_context(serving(zone()))
        values = settings.model_dump(include=settings.model_fields_set)
        values |= {"dns_servers": f"{host}:{port}", "smtp_connections_per_ip_max": 100}
        yield await stack.enter_async_context(running(database_url, urls, values, tmp_path))


@pytest.fixture
async def payments(make_database: MakeDatabase) -> Database:
    return await make_database("payments")


async def connect(house: House, payments: Database, tenant: UUID, bank: Bank) -> str:
    """Make a bank connection, its sender confirmed already; returns its address."""
    async with open_channel(house.mail_address) as wire:
        desk = Desk(wire, Identity(tenant, Scope.OPERATOR, "operator"))
        made = await desk.connect(bank.account, bank.currency, automatic_per_hour=100_000)
    (row,) = await house.rows(
        "SELECT address_id FROM mail_ingest.connection WHERE id = %s", UUID(made.id)
    )
    origin = Origin(row["address_id"], bank.name, bank.domain)
    async with payments.transaction(tenant) as connection:
        await confirm_sender(connection, tenant, origin, new_id())
    return made.address


async def order_all(payments: Database, tenant: UUID, movements: list[Movement]) -> None:
    """Make an order for each movement, and the one that payers' texts are after."""
    scene = Scene(payments, tenant)
    orders: list[order_pb2.Order] = [
        scene.order(
            each.symbol, str(each.amount), id=str(each.order_id), currency=each.bank.currency
        )
        for each in movements
    ]
    orders.append(scene.order(VICTIM_SYMBOL, str(Decimal("88888.00"))))
    for begin in range(0, len(orders), ORDERS_AT_ONCE):
        await scene.tell_orders_only(*orders[begin : begin + ORDERS_AT_ONCE])


def samples() -> list[bytes]:
    """The reference's letters of many banks, where they are."""
    folder = os.environ.get("SPOJKA_REFERENCE_DIR")
    found = sorted((Path(folder) / "bank_mail" / "samples").glob("*.eml")) if folder else []
    return [path.read_bytes() for path in found]


async def test_no_mutation_pays_what_no_bank_booked_and_nothing_is_lost(
    house: House, payments: Database
) -> None:
    random, tenant = Random(SEED), uuid4()
    ledger = Ledger(random)
    alone = [ledger.book(random.choice(BANKS)) for _ in range(QUIET_LETTERS)]
    good = [ledger.book(random.choice(BANKS)) for _ in range(MAILS // GOOD_EVERY + 10)]
    lots = make_flood(ledger, random, MAILS, samples())
    addresses = {bank.name: await connect(house, payments, tenant, bank) for bank in BANKS}
    await order_all(payments, tenant, ledger.movements)
    flood = Flood(house, Post(house.smtp_port), addresses)
    quiet = await flood.quiet_seconds(alone, random)
    await flood.run(lots, iter(good), random)
    async with asyncio.timeout(QUIET_SECONDS):
        await house.until_quiet()

    books = await read_books(house)
    found = list(complaints(books, flood.sent, flood.post.accepted, flood.post.codes))
    found += house.broken()
    assert not found, f"seed {SEED}: {len(found)} complaints\n" + "\n".join(
        found[:COMPLAINTS_TOLD_MAX]
    )
    paid = sum(amount > 0 for amount in books.paid.values())
    assert paid > len(flood.good_seconds) + MAILS * HARMLESS_SHARE, "too much is refused"
    slow = [each for each in flood.good_seconds if each > max(GOOD_SECONDS, QUIET_SHARE * quiet)]
    assert len(slow) <= len(flood.good_seconds) * SLOW_SHARE, (quiet, flood.good_seconds)
    half = len(flood.memory) // 2
    growth = median(flood.memory[-half // 2 :]) - median(flood.memory[half // 2 : half])
    assert growth < GROWTH_BYTES_MAX, flood.memory
