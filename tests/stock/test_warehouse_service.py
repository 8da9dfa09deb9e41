"""WarehouseService over gRPC: connections made, found, changed and switched on and off.

Their warehouses are in test_warehouse_service_warehouses.py, what they read is in
test_warehouse_service_readings.py.
"""

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.database import Database
from spojka.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    RequestError,
)
from spojka.rpc.pagination import encode_token
from tests.stock.conftest import Merchant
from tests.stock.warehouse_desk import (
    CREDENTIALS,
    PUBLIC_URL,
    SETTINGS,
    Desk,
    open_desk,
    violated,
)

UNUSABLE: Final[list[tuple[dict[str, Any], str]]] = [
    ({"settings": {**SETTINGS, "colour": "red"}}, "settings[colour]"),
    ({"settings": {**SETTINGS, "password": "first"}}, "settings[password]"),
    ({"settings": {"url": SETTINGS["url"]}}, "settings[ico]"),
    ({"credentials": {**CREDENTIALS, "ico": "12345678"}}, "credentials[ico]"),
    ({"credentials": {"username": ""}}, "credentials[username]"),
    ({"name": "n" * 201}, "name"),
    ({"buffer": "-1"}, "buffer"),
    ({"meaning": 99}, "meaning"),
    ({"aggregation": 99}, "aggregation"),
    ({"pairing": 99}, "pairing"),
    ({"reading_interval_seconds": 9}, "reading_interval_seconds"),
    ({"probe_interval_seconds": 4}, "probe_interval_seconds"),
    ({"full_reading_interval_hours": 721}, "full_reading_interval_hours"),
    ({"mass_change_limit_percent": 101}, "mass_change_limit_percent"),
]
"""What no connection may have, and the field that is to be named."""


@pytest.fixture
async def desk(stock_database: Database) -> AsyncIterator[Desk]:
    async with open_desk(stock_database) as desk:
        yield desk


async def ended(call: Awaitable[object]) -> type[RequestError] | None:
    """What a call was refused with."""
    try:
        await call
    except RequestError as error:
        return type(error)
    return None


def calls_of(connection: api.Connection) -> dict[str, dict[str, Any]]:
    """Every call that names a connection."""
    by_id = {
        f"{verb}Connection": {"id": connection.id}
        for verb in ("Get", "Test", "Activate", "Deactivate")
    }
    warehouse = api.Warehouse(code="MAIN", included=True)
    return {
        **by_id,
        "UpdateConnection": {"connection": connection},
        "SyncNow": {"id": connection.id},
        "RotateImpulseUrl": {"id": connection.id},
        "ListWarehouses": {"connection_id": connection.id},
        "UpdateWarehouses": {"connection_id": connection.id, "warehouses": [warehouse]},
    }


async def merchant_with_stock(desk: Desk) -> Merchant:
    """A has 10 units; it was read."""
    merchant = await desk.merchant()
    merchant.warehouse.put("A", on_hand="10")
    await merchant.work()
    assert await merchant.available("A") == 10
    return merchant


async def test_every_system_is_listed_with_what_it_asks_for(desk: Desk) -> None:
    systems = (await desk.call("ListWarehouseSystems")).systems
    assert [system.id for system in systems] == ["model", "pohoda"]
    pohoda = systems[1]
    assert pohoda.name == "Pohoda"
    assert pohoda.default_meaning == api.MEANING_NET_OF_RESERVATIONS
    fields = {each.name: each for each in pohoda.fields}
    assert [name for name, each in fields.items() if each.secret] == ["username", "password"]
    assert [name for name, each in fields.items() if each.required] == ["url", "username", "ico"]


async def test_a_new_connection_is_inactive_and_shows_no_credentials(desk: Desk) -> None:
    connection = await desk.create()
    assert connection == api.Connection(
        id=connection.id,
        system="model",
        name="Model",
        settings=SETTINGS,
        credentials_set=["password", "username"],
        state=api.CONNECTION_STATE_INACTIVE,
        meaning=api.MEANING_NET_OF_RESERVATIONS,
        aggregation=api.AGGREGATION_SUM,
        buffer="0",
        pairing=api.PAIRING_PRODUCT_NUMBER_THEN_EAN,
        automatic_import=True,
        reading_interval_seconds=1800,
        probe_interval_seconds=60,
        full_reading_interval_hours=24,
        mass_change_limit_percent=20,
        impulse_url=connection.impulse_url,
    )
    assert connection.impulse_url.startswith(f"{PUBLIC_URL}/impulse/")
    assert await desk.get(connection.id) == connection
    assert await desk.credentials(connection.id) == CREDENTIALS
    assert not await desk.due()


async def test_the_same_request_again_gives_the_earlier_answer(desk: Desk) -> None:
    request_id = str(uuid4())
    first = await desk.create(name="first", request_id=request_id)
    await desk.update(first, name="renamed")
    assert await desk.create(name="first", request_id=request_id) == first
    assert [each.name for each in await desk.connections()] == ["renamed"]


async def test_a_request_id_is_not_taken_for_another_content(desk: Desk) -> None:
    request_id = str(uuid4())
    first = await desk.create(name="first", request_id=request_id)
    with pytest.raises(AlreadyExists, match=request_id):
        await desk.create(name="second", request_id=request_id)
    assert await desk.connections() == [first]
    theirs = await desk.as_tenant(uuid4()).create(name="second", request_id=request_id)
    assert theirs.id != first.id


async def test_what_a_system_cant_use_is_refused_by_its_field(desk: Desk) -> None:
    systems = [({"system": name}, "system") for name in ("", "Model", "money")]
    for fields, field in [*UNUSABLE, *systems]:
        assert await violated(desk.create(**fields)) == [f"connection.{field}"], fields
    assert await violated(desk.create(request_id="1")) == ["request_id"]
    assert await violated(desk.call("CreateConnection")) == ["connection"]
    assert await desk.connections() == []


async def test_the_outermost_limits_are_taken(desk: Desk) -> None:
    limits: dict[str, Any] = {
        "reading_interval_seconds": 10,
        "probe_interval_seconds": 5,
        "full_reading_interval_hours": 720,
        "mass_change_limit_percent": 100,
        "name": "n" * 200,
    }
    created = await desk.create(**limits)
    assert {name: getattr(created, name) for name in limits} == limits


async def test_a_connection_that_the_tenant_lacks_is_not_found(desk: Desk) -> None:
    connection = await desk.create()
    nobodys = api.Connection(system="model", id=str(uuid4()), settings=SETTINGS)
    stranger = desk.as_tenant(uuid4())
    for caller, named in ((stranger, connection), (desk, nobodys)):
        calls = calls_of(named)
        refused = {method: await ended(caller.call(method, **calls[method])) for method in calls}
        assert refused == dict.fromkeys(calls, NotFound)
    assert await stranger.connections() == []
    assert await desk.connections() == [connection]


async def test_an_id_that_is_none_is_refused_by_its_field(desk: Desk) -> None:
    connection = await desk.create()
    connection.id = "first"
    refused = {
        method: await violated(desk.call(method, **fields))
        for method, fields in calls_of(connection).items()
    }
    named = {"UpdateConnection": "connection.id"} | dict.fromkeys(
        ("ListWarehouses", "UpdateWarehouses"), "connection_id"
    )
    assert refused == {method: [named.get(method, "id")] for method in refused}


async def test_a_call_that_names_no_tenant_is_refused(desk: Desk) -> None:
    calls = {**calls_of(await desk.create()), "ListConnections": {}}
    nobody = desk.as_tenant(None)
    refused = {method: await ended(nobody.call(method, **calls[method])) for method in calls}
    assert refused == dict.fromkeys(calls, PermissionDenied)


async def test_pages_give_every_connection_once_the_newest_first(desk: Desk) -> None:
    created = [(await desk.create(name=f"{place}")).id for place in range(4)]
    await desk.as_tenant(uuid4()).create()
    newest = created[::-1]
    pages = await desk.pages("ListConnections", 3)
    assert [[each.id for each in page] for page in pages] == [newest[:3], newest[3:]]
    # One that is full and the last has none after it.
    pages = await desk.pages("ListConnections", 2)
    assert [[each.id for each in page] for page in pages] == [newest[:2], newest[2:]]
    assert [each.id for each in await desk.connections()] == newest


@pytest.mark.parametrize("method", ["ListConnections", "ListReadings"])
async def test_a_token_that_was_not_given_is_refused(desk: Desk, method: str) -> None:
    fields = {"connection_id": str(uuid4())} if method == "ListReadings" else {}
    token_of_two = encode_token([str(uuid4()), str(uuid4())])
    for token in ("forged", "é", encode_token(["no id"]), token_of_two):
        assert await violated(desk.call(method, page_token=token, **fields)) == ["page_token"]


async def test_the_system_of_a_connection_cant_be_changed(desk: Desk) -> None:
    connection = await desk.create()
    with pytest.raises(InvalidArgument, match="'model' and can't be changed") as refused:
        await desk.update(connection, system="pohoda", name="other")
    assert [each.field for each in refused.value.violations] == ["connection.system"]
    assert await desk.get(connection.id) == connection


async def test_credentials_that_are_left_out_stay(desk: Desk) -> None:
    connection = await desk.create()
    updated = await desk.update(connection, name="renamed")
    assert updated.name == "renamed"
    assert updated.credentials_set == ["password", "username"]
    assert await desk.credentials(connection.id) == CREDENTIALS
    updated = await desk.update(updated, credentials={"password": "second"})
    assert not updated.credentials
    assert await desk.credentials(connection.id) == {**CREDENTIALS, "password": "second"}


async def test_all_else_that_is_left_out_goes_back_to_the_default(desk: Desk) -> None:
    """An update is the whole new connection."""
    connection = await desk.create(
        name="mine",
        settings={**SETTINGS, "stores": "MAIN"},
        buffer="3",
        meaning=api.MEANING_PHYSICAL,
        automatic_import=False,
        reading_interval_seconds=60,
    )
    bare = api.Connection(id=connection.id, system="model", settings=SETTINGS)
    updated = (await desk.call("UpdateConnection", connection=bare)).connection
    as_new = await desk.create()
    as_new.id, as_new.impulse_url = connection.id, connection.impulse_url
    assert updated == as_new
    assert await desk.get(connection.id) == updated


async def test_an_update_that_is_refused_changes_nothing(desk: Desk) -> None:
    connection = await desk.create()
    for fields, field in UNUSABLE:
        assert await violated(desk.update(connection, **{"name": "other", **fields})) == [
            f"connection.{field}"
        ], fields
    assert await desk.get(connection.id) == connection
    assert await desk.credentials(connection.id) == CREDENTIALS


async def test_items_follow_a_changed_buffer_at_once(desk: Desk) -> None:
    merchant = await merchant_with_stock(desk)
    told, wakes = len(await merchant.events()), desk.hints.wakes
    desk.hints.commits.clear()
    await desk.update(await desk.get(merchant.connection_id), buffer="3")
    assert await merchant.available("A") == 7
    assert [event.available for event in (await merchant.events())[told:]] == ["7"]
    assert set(desk.hints.commits) == {desk.tenant}
    assert desk.hints.wakes > wakes


async def test_a_shorter_interval_counts_from_now(desk: Desk) -> None:
    merchant = await merchant_with_stock(desk)
    before = await desk.get(merchant.connection_id)
    after = await desk.update(before, reading_interval_seconds=10)
    assert after.next_reading_time.seconds < before.next_reading_time.seconds - 1000
    longer = await desk.update(after, reading_interval_seconds=1800)
    assert longer.next_reading_time == after.next_reading_time


async def test_after_trouble_a_changed_connection_is_tried_at_once(desk: Desk) -> None:
    merchant = await merchant_with_stock(desk)
    merchant.warehouse.refuse_connections = 1
    await merchant.read()
    in_trouble = await desk.get(merchant.connection_id)
    assert in_trouble.problem == "refused start it"
    assert (await merchant.row()).retry_time is not None
    assert not await desk.due()
    await desk.update(in_trouble, credentials={"password": "second"})
    assert (await merchant.row()).retry_time is None
    assert await desk.due() == {in_trouble.id}


async def test_an_activated_connection_starts_and_is_active_once_it_was_read(desk: Desk) -> None:
    created = await desk.create()
    started = await desk.switch(created.id, on=True)
    assert started.state == api.CONNECTION_STATE_STARTING
    assert started.HasField("next_reading_time")
    assert await desk.due() == {created.id}
    assert desk.hints.wakes == 1
    merchant = Merchant(desk.database, desk.tenant, UUID(created.id), desk.warehouse)
    await merchant.work()
    active = await desk.get(created.id)
    assert active.state == api.CONNECTION_STATE_ACTIVE
    assert active.HasField("last_reading_time")
    assert await desk.switch(created.id, on=True) == active, "active already: nothing begins anew"


async def test_a_tenant_has_one_active_connection(desk: Desk) -> None:
    first, second = await desk.create(), await desk.create()
    started = await desk.switch(first.id, on=True)
    with pytest.raises(FailedPrecondition, match="deactivate it first") as refused:
        await desk.switch(second.id, on=True)
    assert refused.value.reason == "ANOTHER_CONNECTION_ACTIVE"
    assert await desk.connections() == [second, started]
    other = desk.as_tenant(uuid4())
    theirs = await other.switch((await other.create()).id, on=True)
    assert theirs.state == api.CONNECTION_STATE_STARTING
    await desk.switch(first.id, on=False)
    assert (await desk.switch(second.id, on=True)).state == api.CONNECTION_STATE_STARTING


async def test_the_next_active_connection_withdraws_what_the_former_offered(desk: Desk) -> None:
    merchant = await merchant_with_stock(desk)
    await desk.switch(merchant.connection_id, on=False)
    second = await desk.create()
    told = len(await merchant.events())
    desk.hints.commits.clear()
    await desk.switch(second.id, on=True)
    assert await merchant.available("A") == 0
    (event,) = (await merchant.events())[told:]
    assert (event.available, event.removed) == ("0", True)
    assert set(desk.hints.commits) == {desk.tenant}


async def test_a_connection_that_is_switched_off_offers_what_it_offered(desk: Desk) -> None:
    merchant = await merchant_with_stock(desk)
    told = len(await merchant.events())
    off = await desk.switch(merchant.connection_id, on=False)
    assert off.state == api.CONNECTION_STATE_INACTIVE
    assert off.HasField("last_reading_time")
    assert not off.HasField("next_reading_time")
    merchant.warehouse.move("A", "-4")
    asked = len(merchant.warehouse.requests)
    await merchant.read()
    assert len(merchant.warehouse.requests) == asked
    assert await merchant.available("A") == 10
    assert len(await merchant.events()) == told
    assert await desk.switch(merchant.connection_id, on=False) == off
