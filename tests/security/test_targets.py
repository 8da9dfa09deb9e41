"""Server-side request forgery: an ERP's address that leads into the operator's own network.

What the policy says of plain private addresses is in tests/ground/test_outbound.py; that
redirects are not followed, in tests/stock/warehouses/pohoda/test_transport.py.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import httpcore
import httpx
import pytest

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Database
from spojka.errors import InvalidArgument
from spojka.identity import Identity, Scope
from spojka.outbound import OutboundPolicy, TargetForbidden
from spojka.rpc.server import Call
from spojka.secrets import Seal
from stock.connections.service import WarehouseServicer
from stock.warehouses.registry import SYSTEMS

DISGUISED = [
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::10.0.0.1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "fec0::1",
    "fc00::1",
    "ff02::1",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "192.0.0.192",
    "192.88.99.1",
    "198.18.0.1",
    "::",
]
HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
]
"""This machine, however it is written; the resolver or IDNA makes each an address of it."""
NO_ADDRESS = [
    "ftp://erp.example",
    "gopher://127.0.0.1:70/_",
    "file:///etc/passwd",
    "dict://127.0.0.1:11211/stats",
    "unix:///run/docker.sock",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "http://",
    "http:///xml",
    "http://user@127.0.0.1/",
    "http://user:password@erp.example/",
    "http://:password@erp.example/",
    "http://erp.example@127.0.0.1/",
    "http://erp.example/?to=127.0.0.1",
    "http://erp.example/#127.0.0.1",
    "http://erp.example:99999",
    "http://erp.example:-1",
    "http://[::1",
    "http://erp.example\r\nX-Injected: 1",
    "http://erp\x00.example",
    "http://erp .example",
    "http://127.0.0.1\\@erp.example",
]
MakeDatabase = Callable[[str], Awaitable[Database]]


@dataclass(slots=True)
class Trap:
    """What listens on this machine and must never be reached."""

    port: int
    visits: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def trapped() -> AsyncIterator[Trap]:
    """Listen on every loopback address for the time of a block."""
    trap = Trap(0)

    async def visited(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        trap.visits.append(await reader.read(1000))
        writer.close()

    async with await asyncio.start_server(visited, "127.0.0.1", 0) as server:
        trap.port = server.sockets[0].getsockname()[1]
        yield trap


@pytest.mark.parametrize("address", DISGUISED)
def test_an_address_that_leads_elsewhere_in_disguise_is_refused(address: str) -> None:
    with pytest.raises(TargetForbidden):
        OutboundPolicy().check_address("erp.example", address)


@pytest.mark.parametrize("address", ["2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_plain_public_addresses_pass(address: str) -> None:
    OutboundPolicy().check_address("erp.example", address)


@pytest.mark.parametrize("host", HOSTS)
async def test_this_machine_is_not_reached_however_it_is_written(host: str) -> None:
    async with trapped() as trap:
        with pytest.raises((TargetForbidden, httpx.HTTPError, ValueError)):
            async with OutboundPolicy().client(f"http://{host}:{trap.port}") as client:
                await client.get("/xml")
    assert not trap.visits


async def test_the_trap_is_a_trap() -> None:
    async with trapped() as trap:
        with pytest.raises(httpx.HTTPError):
            async with OutboundPolicy(allow_private=True).client(
                f"http://2130706433:{trap.port}"
            ) as client:
                await client.get("/xml")
    assert trap.visits


async def test_the_address_that_was_checked_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS says a public address to whoever checks, and a private one to whoever connects."""
    answers = iter(["93.184.216.34", "127.0.0.1", "127.0.0.1"])
    called: list[str] = []

    async def rebinding(_host: str, port: int, **_options: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (next(answers), port))]

    async def connect(_self: object, host: str, *_args: object, **_kwargs: object) -> None:
        called.append(host)
        raise httpcore.ConnectError("nobody is there")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebinding)
    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    async with OutboundPolicy().client("http://erp.example") as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/")
        with pytest.raises(TargetForbidden):
            await client.get("/")
    assert called == ["93.184.216.34"]


async def test_one_private_address_among_public_ones_spoils_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def both(_host: str, port: int, **_options: object) -> list[tuple[object, ...]]:
        return [(2, 1, 6, "", (each, port)) for each in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    async with OutboundPolicy().client("http://erp.example") as client:
        with pytest.raises(TargetForbidden):
            await client.get("/")


@pytest.fixture
async def servicer(make_database: MakeDatabase) -> WarehouseServicer:
    """The service of connections as the operator's defaults leave it."""
    return WarehouseServicer(
        await make_database("stock"),
        SYSTEMS,
        Seal({"key": b"k" * 32}),
        OutboundPolicy(),
        "http://edge.example",
        lambda: None,
        lambda _tenant: None,
    )


def connection(url: str) -> api.Connection:
    return api.Connection(
        system="pohoda",
        settings={"url": url, "ico": "12345678"},
        credentials={"username": "api", "password": "api"},
    )


async def test_no_rpc_that_takes_an_address_reaches_this_machine(
    servicer: WarehouseServicer,
) -> None:
    call = Call(Identity(uuid4(), Scope.OPERATOR, "somebody"), 10.0)
    async with trapped() as trap:
        created = await servicer.create_connection(
            api.CreateConnectionRequest(connection=connection("http://erp.example")), call
        )
        edited = created.connection
        for host in HOSTS:
            edited.settings["url"] = f"http://{host}:{trap.port}"
            edited.credentials.update({"username": "api", "password": "api"})
            try:
                await servicer.update_connection(
                    api.UpdateConnectionRequest(connection=edited), call
                )
            except InvalidArgument:
                continue
            tested = await servicer.test_connection(api.TestConnectionRequest(id=edited.id), call)
            assert not tested.ok, host
            assert tested.message, host
        assert not trap.visits


@pytest.mark.parametrize("url", NO_ADDRESS)
async def test_what_is_no_address_is_refused_when_it_is_typed(
    servicer: WarehouseServicer, url: str
) -> None:
    call = Call(Identity(uuid4(), Scope.OPERATOR, "somebody"), 10.0)
    with pytest.raises(InvalidArgument, match=r"settings\[url\]") as created:
        await servicer.create_connection(
            api.CreateConnectionRequest(connection=connection(url)), call
        )
    assert "password@" not in str(created.value)
    good = await servicer.create_connection(
        api.CreateConnectionRequest(connection=connection("http://erp.example")), call
    )
    good.connection.settings["url"] = url
    with pytest.raises(InvalidArgument, match=r"settings\[url\]"):
        await servicer.update_connection(
            api.UpdateConnectionRequest(connection=good.connection), call
        )
