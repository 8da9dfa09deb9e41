"""Secrets are planted, everything is made to fail, and then everything is searched for them."""

import asyncio
from secrets import token_hex
from typing import Final

import grpc
import pytest

from sandbox.demo import accounts
from sandbox.demo.office import Office
from sandbox.shops import EdgeClient
from spojka.api.accounts.v1.accounts_service_pb2 import DESCRIPTOR as ACCOUNTS
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.api.stock.v1.item_service_pb2 import DESCRIPTOR as ITEMS
from spojka.api.stock.v1.warehouse_service_pb2 import DESCRIPTOR as WAREHOUSES
from tests.cli.running import call as run_command
from tests.security import searching
from tests.security.careless import SAYINGS, Gossip, gossiping
from tests.security.house import House
from tests.security.merchant import Merchant
from tests.security.searching import forms_of, found
from tests.security.wire import METHODS, bearing, call, request_of
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SERVICE: Final = WAREHOUSES.services_by_name["WarehouseService"].methods_by_name
ITEM_SERVICE: Final = ITEMS.services_by_name["ItemService"].methods_by_name


async def test_no_secret_is_ever_seen_again(
    house: House, victim: Merchant, attacker: Merchant
) -> None:
    """`victim` and `attacker` have lived: their secrets have been everywhere that secrets go."""
    said: list[tuple[str, bytes]] = []
    async with gossiping() as gossip:
        said += await _careless(house, gossip)
    said += await _wrong_keys(house, attacker.operator)
    status = await run_command("status", env={"SPOJKA_DATA_DIR": str(house.settings.data_dir)})
    said.append(("spojka status", status.output.encode()))
    for gather in (searching.tables, searching.topics, searching.metrics):
        said += await asyncio.to_thread(list, gather(house))
    said += [(f"log of {name}", log) for name, log in house.logs()]
    everything = b"".join(data for _, data in said)
    # What is searched is what was meant: the mark is everywhere, the sealed secrets nowhere.
    assert everything.count(victim.mark.encode()) > len(SAYINGS)
    assert any(name.startswith("topic") for name, _ in said)
    assert not found(house.canaries, iter(said))


async def test_the_search_finds_what_is_written_otherwise() -> None:
    secret = 'abc123&+"def456'
    forms = list(forms_of(secret))
    for hidden in (
        b"x" + secret.encode(),
        b"abc123%26%2B%22def456",
        b"abc123&amp;+&quot;def456",
        b'abc123&+\\"def456',
        b"dXNlcjphYmMxMjMmKyJkZWY0NTY=",  # user:…
        b"eHg6YWJjMTIzJisiZGVmNDU2OnRhaWw=",  # xx:…:tail
        b"OmFiYzEyMyYrImRlZjQ1Ng==",  # :…
    ):
        assert any(form in hidden for form in forms), hidden


async def _careless(house: House, gossip: Gossip) -> list[tuple[str, bytes]]:
    """A merchant whose warehouse system says back all that it hears."""
    name = f"careless-{token_hex(4)}"
    await accounts.create_tenant(house.admin, name, name)
    acting = house.admin.acting_as(house.admin.key, name)
    operator = acting.acting_as(await accounts.operator_key(acting))
    office = Office(operator)
    password = house.plant("password that a partner says back")
    connection = await office.create_connection(
        api.Connection(
            system="pohoda",
            settings={"url": gossip.url, "ico": "12345678"},
            credentials={"username": "careless-user", "password": password},
        )
    )
    said = [("connection", connection.SerializeToString())]
    for way, saying in SAYINGS.items():
        gossip.saying = saying
        said += await _everything_asked(operator, connection.id, way)
    await office.activate(connection.id)
    for saying in SAYINGS.values():
        gossip.saying, heard = saying, gossip.heard
        await office.read_all_now(connection.id)

        async def tried(heard: int = heard) -> bool:
            return gossip.heard > heard

        await until(tried, "the warehouse is asked again")
        said += await _everything_asked(operator, connection.id, "while active")
    await office.deactivate(connection.id)
    for url in (f"http://u:{password}@erp.example", f"http://erp.example/?{password}"):
        said.append(await _edited(operator, connection, url))
    return said


async def _everything_asked(
    operator: EdgeClient, connection_id: str, name: str
) -> list[tuple[str, bytes]]:
    said = []
    for method, request in (
        (SERVICE["TestConnection"], api.TestConnectionRequest(id=connection_id)),
        (SERVICE["ListWarehouses"], api.ListWarehousesRequest(connection_id=connection_id)),
        (SERVICE["GetConnection"], api.GetConnectionRequest(id=connection_id)),
        (SERVICE["ListReadings"], api.ListReadingsRequest(connection_id=connection_id)),
        (ITEM_SERVICE["ListStockTasks"], request_of(ITEM_SERVICE["ListStockTasks"])),
    ):
        outcome = await call(operator.channel, method, request, bearing(operator.key))
        said.append((f"{method.name} after {name}", outcome.seen))
    return said


async def _edited(operator: EdgeClient, connection: api.Connection, url: str) -> tuple[str, bytes]:
    edited = api.Connection()
    edited.CopyFrom(connection)
    edited.settings["url"] = url
    request = api.UpdateConnectionRequest(connection=edited)
    outcome = await call(
        operator.channel, SERVICE["UpdateConnection"], request, bearing(operator.key)
    )
    assert outcome.code is grpc.StatusCode.INVALID_ARGUMENT
    return "a URL with a secret", outcome.seen


async def _wrong_keys(house: House, operator: EdgeClient) -> list[tuple[str, bytes]]:
    """Keys that are nearly right, and the house's own credential where it opens nothing."""
    said = []
    token = house.settings.required_internal_token()
    list_keys = ACCOUNTS.services_by_name["ApiKeyService"].methods_by_name["ListApiKeys"]
    for key in (f"{house.admin.key}x", f"spk_{house.admin.key}", token):
        outcome = await call(operator.channel, list_keys, request_of(list_keys), bearing(key))
        assert outcome.code is grpc.StatusCode.UNAUTHENTICATED
        said.append(("a wrong key", outcome.seen))
    for method in METHODS:
        metadata = bearing(operator.key, spojka_tenant=house.admin.key)
        # Its answer may repeat what the caller said; the logs may not.
        await call(operator.channel, method, request_of(method), metadata)
    return said
