"""The whole of Spojka for the fault tests: two of each service, its own servers, its partners."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import UUID

from sandbox.banks import Street
from sandbox.banks import running as open_street
from sandbox.demo import accounts
from sandbox.demo.office import Office
from sandbox.demo.treasury import Treasury
from sandbox.demo.warehouse import controlled
from sandbox.shops.edge import connected
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.crash_points import ORDERS_VARIABLE, CrashPoint
from spojka.probe import http_lacks
from spojka.servers.ports import LOOPBACK, choose_port
from spojka.settings import Settings
from spojka.supervisor import Child, RestartPolicy
from spojka.up import Installation, UpOptions, running
from tests.faults.banks import Banks
from tests.faults.banks import connected as connected_banks
from tests.faults.books import Books, Row, let_claims_pass, read_books, read_rows
from tests.faults.desk import Book, Desk, patiently
from tests.faults.plan import SHOPS
from tests.faults.storehouse import Storehouse
from tests.faults.story import Story

KILLS_MAX: Final = 20
"""What all scenarios together may kill: they are to end within minutes."""
PATIENCE_SECONDS: Final = 240.0
LOOK_SECONDS: Final = 0.05
SERVICES: Final = ("stock", "orders", "gateway", "payments", "mail_ingest")
WAREHOUSE: Final = "pohoda"
DOOR: Final = "mail_ingest"
"""The first of the two that take mails."""
POSTGRES: Final = "PostgreSQL"
KAFKA: Final = "Kafka"
PRODUCTS: Final = [f"P-{number:02}" for number in range(1, 11)]
PAGE_RECORDS: Final = 4
"""A full reading takes several requests, so that a fault can fall between them."""
PROBE_SECONDS: Final = 5
RESTARTS: Final = RestartPolicy(first_delay_s=0.1, max_delay_s=1.0, starts_max=50)


@dataclass(slots=True)
class System:
    """A running installation with one merchant."""

    installation: Installation
    story: Story
    storehouse: Storehouse
    office: Office
    street: Street
    banks: Banks
    tenant: UUID
    connection: api.Connection
    crash_orders: Path
    book: Book = field(default_factory=Book)
    kills_max: int = KILLS_MAX
    kills: int = 0
    broken_by: str = ""

    @property
    def settings(self) -> Settings:
        """The settings in force; the database's URL is the superuser's."""
        return self.installation.settings

    @property
    def database_url(self) -> str:
        """Where the superuser reads."""
        assert self.settings.database_url is not None
        return self.settings.database_url.get_secret_value()

    async def books(self) -> Books:
        """Read what the databases say now."""
        return await read_books(self.database_url)

    async def let_claims_pass(self) -> None:
        """Let work that killed processes had taken be due at once, instead of after minutes.

        What a living process has taken may then be done twice: that must not harm either.
        """
        await let_claims_pass(self.database_url)

    def desk(self, shop: str) -> Desk:
        """Give the till of a shop."""
        return Desk(self.office.edge, shop, self.book, self.story)

    async def read_all_now(self) -> None:
        """Ask for a full reading."""
        await patiently(
            lambda: self.office.read_all_now(self.connection.id),
            "ask for a full reading",
            self.story,
            self.book.failures,
        )

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a process a signal that ends it; it is started again. Returns its pid."""
        self._count_kill()
        pid = self.installation.kill(name, number)
        self.story.note(f"{name} ({pid}) gets {number.name}")
        return pid

    async def until_back(self, name: str, not_as: int) -> None:
        """Wait until a killed process serves again."""
        await self.installation.until_running(name, not_as=not_as, within_seconds=PATIENCE_SECONDS)

    async def until_away(self, name: str) -> None:
        """Wait until a process that was told to end has ended."""
        await self.until(lambda: not self.installation.status_of(name).healthy)

    async def until_rows(self, name: str, condition: Callable[[list[Row]], bool]) -> None:
        """Wait until a condition on some rows of the books holds. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                rows = await read_rows(self.database_url, name)
                if condition(rows[name]):
                    return
                await asyncio.sleep(LOOK_SECONDS)

    def order_crash(self, service: str, step: CrashPoint) -> Callable[[], Awaitable[None]]:
        """Let the next process of a service that comes to a step die there.

        Gives what waits until it has died, and all run again.
        """
        self._count_kill()
        before = self._pids(service)
        order = self.crash_orders / service / step
        order.touch()
        self.story.note(f"the next process of {service} at {step!r} is to die")

        async def crashed() -> None:
            await self.until(lambda: not order.exists() and self._pids(service) != before)
            await self.until_all_run()

        return crashed

    async def until_all_run(self) -> None:
        """Wait until every process serves."""
        for status in self.installation.supervisor.statuses():
            await self.installation.until_running(status.name, within_seconds=PATIENCE_SECONDS)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():  # noqa: ASYNC110 - files and pids have no event to await
                await asyncio.sleep(LOOK_SECONDS)

    async def stop_those_at_work_past_their_loss(self) -> None:
        """Stop the one that works on the connection, and a mail door with what it was judging.

        They are continued once others have all that they held.
        """
        holder = await self._until_holder(lambda _holder: True)
        door = self.installation.status_of(DOOR).pid
        assert door is not None
        pids = [int(holder.rpartition("/")[2]), door]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            self.story.note(f"{holder} and {DOOR} ({door}) are stopped")
            await self.let_claims_pass()
            other = await self._until_holder(lambda now: now != holder)
            self.story.note(f"{other} has the lease")
            await self.until_rows("relays", lambda rows: len(rows) == 1)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        self.story.note(f"{holder} has lost its lanes; both are continued")

    async def _until_holder(self, fits: Callable[[str], bool]) -> str:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for lease in (await read_rows(self.database_url, "leases"))["leases"]:
                    holder: str | None = lease["holder"]
                    if lease["kind"] == "connection" and holder is not None and fits(holder):
                        return holder
                await asyncio.sleep(LOOK_SECONDS)

    def _count_kill(self) -> None:
        self.kills += 1
        assert self.kills <= self.kills_max, "the scenarios kill more than they may"

    def _pids(self, service: str) -> list[int | None]:
        return [
            self.installation.status_of(instance.name).pid
            for instance in self.installation.instances
            if instance.service == service
        ]


@asynccontextmanager
async def running_system(
    folder: Path,
    story: Story | None = None,
    variables_of: Mapping[str, Mapping[str, str]] | None = None,
) -> AsyncIterator[System]:
    """Run everything below a folder for the time of a block.

    `variables_of` are added to the environment of a service, or of one process by its name.
    """
    # The doors are not known yet: each mail is brought to one of them.
    async with (
        open_street("127.0.0.1", 0) as street,
        _running(folder, street, story or Story(), variables_of or {}) as system,
    ):
        yield system


@asynccontextmanager
async def _running(
    folder: Path, street: Street, story: Story, variables_of: Mapping[str, Mapping[str, str]]
) -> AsyncIterator[System]:
    settings = Settings(
        database_url=None,
        kafka_bootstrap=None,
        data_dir=folder / "data",
        allow_private_targets=True,
        stock_partitions=3,
        orders_partitions=3,
        payments_partitions=2,
        dns_servers=street.dns_server,
        automatic_payments_per_hour=10_000,
    )
    crash_orders = folder / "crash"
    for service in SERVICES:
        (crash_orders / service).mkdir(parents=True)
    orders = {service: {ORDERS_VARIABLE: str(crash_orders / service)} for service in SERVICES}
    options = UpOptions(
        settings=settings,
        instances=dict.fromkeys(SERVICES, 2),
        free_ports=True,
        variables_of={**orders, **variables_of},
        policy=RESTARTS,
        report=story,
    )
    async with running(options) as installation:
        url = await start_warehouse(installation)
        async with trading_merchant(installation, street, url, story, crash_orders) as system:
            yield system


@asynccontextmanager
async def trading_merchant(
    installation: Installation, street: Street, warehouse_url: str, story: Story, crash_orders: Path
) -> AsyncIterator[System]:
    """Open a merchant's shops, warehouse and bank accounts in a running installation."""
    async with AsyncExitStack() as stack:
        warehouse = await stack.enter_async_context(controlled(warehouse_url))
        storehouse = Storehouse(warehouse, story)
        await storehouse.stock(PRODUCTS)
        # Both edges under one address: what one of them loses, the other takes.
        edges = ",".join(
            instance.grpc_address for instance in installation.instances if instance.is_edge
        )
        assert installation.admin_key is not None
        admin = await stack.enter_async_context(connected(edges, installation.admin_key))
        tenant = await accounts.create_tenant(admin, "faults", "Faults s.r.o.")
        key = await accounts.operator_key(admin.acting_as(admin.key, "faults"))
        office = Office(admin.acting_as(key))
        for shop in SHOPS:
            await office.create_channel(shop, shop.title())
        doors = [
            (instance.host, instance.smtp_port)
            for instance in installation.instances
            if instance.smtp_port
        ]
        yield System(
            installation=installation,
            story=story,
            storehouse=storehouse,
            office=office,
            street=street,
            banks=await connected_banks(street, Treasury(office.edge), doors, story),
            tenant=UUID(tenant.id),
            connection=await _connect(office, warehouse_url),
            crash_orders=crash_orders,
        )


async def start_warehouse(installation: Installation, host: str = LOOPBACK) -> str:
    """Start the stand-in mServer, reached at an address of this machine; gives its URL."""
    data_dir = installation.settings.data_dir
    port = await choose_port("the stand-in mServer", None, data_dir / "ports" / "pohoda.http")
    url = f"http://{host}:{port}"
    child = Child(
        name=WAREHOUSE,
        argv=(
            *(sys.executable, "-m", "sandbox.pohoda", "--host", host),
            *("--port", str(port), "--state", str(data_dir / "pohoda.sqlite")),
        ),
        env=dict(os.environ),
        log_path=data_dir / "logs" / "pohoda.log",
        ready=lambda: http_lacks(f"{url}/sandbox/settings"),
        stop_timeout_s=5.0,
    )
    await installation.supervisor.start([child])
    return url


async def _connect(office: Office, url: str) -> api.Connection:
    connection = await office.create_connection(
        api.Connection(
            system="pohoda",
            name="Pohoda",
            settings={"url": url, "ico": "12345678", "page_records": str(PAGE_RECORDS)},
            credentials={"username": "api", "password": "api"},
            probe_interval_seconds=PROBE_SECONDS,
        )
    )
    return await office.activate(connection.id)
