"""All of Spojka as `spojka up` runs it, with a merchant whose partners are stand-ins."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.post import FIO_ACCOUNT, Post, letters
from sandbox.banks import Bank, Transfer, running
from sandbox.banks.fio import Prose
from sandbox.demo import accounts
from sandbox.demo.office import Office
from sandbox.demo.treasury import Treasury
from sandbox.demo.warehouse import Warehouse, controlled
from sandbox.shops import EdgeClient
from sandbox.shops.edge import connected
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.probe import http_lacks
from spojka.servers.ports import choose_port
from spojka.settings import Settings
from spojka.supervisor import Child
from spojka.up import Installation, UpOptions
from spojka.up import running as running_up

CHANNEL: Final = "eshop-cz"
STORE: Final = "HLAVNÍ"
AUTOMATIC_PER_HOUR: Final = 100_000
STOP_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class House:
    """A running installation, its merchant's people, their shop, their warehouse and their bank."""

    installation: Installation
    office: Office
    treasury: Treasury
    shop: EdgeClient
    warehouse: Warehouse
    connection: api.Connection
    bank: Bank
    post: Post

    def letter(self, transfer: Transfer) -> bytes:
        """The bank's mail about a transfer that it books now."""
        return letters(self.bank, FIO_ACCOUNT, "CZK", self.post.recipient, [transfer])[0]


@asynccontextmanager
async def open_house(folder: Path, cards: int) -> AsyncIterator[House]:
    """Run everything below a folder for the time of a block; the warehouse has so many cards."""
    async with AsyncExitStack() as stack:
        street = await stack.enter_async_context(running("127.0.0.1", 0))
        street.fio.form = Prose()
        settings = Settings(
            database_url=None,
            kafka_bootstrap=None,
            data_dir=folder / "data",
            allow_private_targets=True,
            dns_servers=street.dns_server,
            automatic_payments_per_hour=AUTOMATIC_PER_HOUR,
        )
        options = UpOptions(settings=settings, free_ports=True)
        installation = await stack.enter_async_context(running_up(options))
        url = await _start_warehouse(installation)
        warehouse = await stack.enter_async_context(controlled(url))
        await _stock(warehouse, cards)
        assert installation.admin_key is not None
        admin = await stack.enter_async_context(
            connected(installation.edge.grpc_address, installation.admin_key)
        )
        await accounts.create_tenant(admin, "bench", "Kladivo s.r.o.")
        key = await accounts.operator_key(admin.acting_as(admin.key, "bench"))
        office = Office(admin.acting_as(key))
        await office.create_channel(CHANNEL, "E-shop")
        treasury = Treasury(office.edge)
        account = await treasury.connect("Fio", f"{FIO_ACCOUNT}/2010", "CZK")
        (door,) = (each for each in installation.instances if each.smtp_port)
        bank = street.fio
        yield House(
            installation=installation,
            office=office,
            treasury=treasury,
            shop=office.edge,
            warehouse=warehouse,
            connection=await _connect(office, url),
            bank=bank,
            post=Post(door.smtp_port, bank.house.client_ip, bank.house.sender, account.address),
        )


async def _start_warehouse(installation: Installation) -> str:
    data_dir = installation.settings.data_dir
    port = await choose_port("the stand-in mServer", None, data_dir / "ports" / "pohoda.http")
    url = f"http://127.0.0.1:{port}"
    child = Child(
        name="pohoda",
        argv=(
            *(sys.executable, "-m", "sandbox.pohoda"),
            *("--port", str(port), "--state", str(data_dir / "pohoda.sqlite")),
        ),
        env=dict(os.environ),
        log_path=data_dir / "logs" / "pohoda.log",
        ready=lambda: http_lacks(f"{url}/sandbox/settings"),
        stop_timeout_s=STOP_SECONDS,
    )
    await installation.supervisor.start([child])
    return url


async def _stock(warehouse: Warehouse, cards: int) -> None:
    entries = [
        {"store": STORE, "code": f"NAR-{number:05}", "name": f"Kladivo {number}", "count": 1_000}
        for number in range(cards)
    ]
    for path, body in (("stores", {"name": STORE}), ("cards", entries)):
        answer = await warehouse.http.post(f"/sandbox/{path}", json=body)
        answer.raise_for_status()


async def _connect(office: Office, url: str) -> api.Connection:
    connection = await office.create_connection(
        api.Connection(
            system="pohoda",
            name="Pohoda",
            settings={"url": url, "ico": "12345678"},
            credentials={"username": "api", "password": "api"},
        )
    )
    return await office.activate(connection.id)
