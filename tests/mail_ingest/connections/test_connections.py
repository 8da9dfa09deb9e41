"""Bank connections over gRPC: accounts, idempotence, rotation, tenants."""

import asyncio
from uuid import uuid4

import pytest

from mail_ingest.connections.address import recipient_hash
from mail_ingest.connections.addresses import reseal_addresses
from spojka.api.payments.v1 import connection_service_pb2 as api
from spojka.database import Database
from spojka.errors import AlreadyExists, InvalidArgument, NotFound
from spojka.secrets import Seal
from tests.mail_ingest.desk import ACCOUNT, DOMAIN, Desk


async def works(database: Database, address: str) -> bool:
    hashed = recipient_hash(address, DOMAIN)
    assert hashed is not None, address
    async with database.infrastructure() as connection:
        cursor = await connection.execute(
            "SELECT FROM address WHERE local_hash = %s AND (end_time IS NULL OR end_time > now())",
            [hashed],
        )
        return await cursor.fetchone() is not None


async def test_a_connection_yields_an_address(desk: Desk, database: Database) -> None:
    made = await desk.connect(
        name="Main",
        automatic_limit="5000.50",
        automatic_per_hour=7,
        forwarding_mailboxes=["Office@Shop.Example ", "a@b.example"],
    )
    assert await desk.get(made.id) == made
    assert made.automatic_limit == "5000.5"
    assert made.automatic_per_hour == 7
    assert list(made.forwarding_mailboxes) == ["a@b.example", "office@shop.example"]
    local, _, domain = made.address.partition("@")
    assert domain == DOMAIN
    assert len(local) == len("bmail-") + 26
    assert await works(database, made.address)
    assert await works(database, made.address.upper())


async def test_no_address_stands_readable_in_the_database(desk: Desk, database: Database) -> None:
    made = await desk.connect(request_id=str(uuid4()))
    local = made.address.partition("@")[0]
    async with database.transaction(desk.tenant) as connection:
        for table in ("connection", "address", "request"):
            cursor = await connection.execute(f"SELECT t::text FROM {table} t".encode())
            rows = [row[0] for row in await cursor.fetchall()]
            assert rows, table
            assert not any(local in row or local.encode().hex() in row for row in rows), table


async def test_the_same_request_is_answered_the_same(desk: Desk) -> None:
    request_id = str(uuid4())
    first = await desk.connect(request_id=request_id)
    assert await desk.connect(request_id=request_id) == first
    with pytest.raises(AlreadyExists):
        await desk.connect(currency="EUR", request_id=request_id)


async def test_one_connection_for_an_account_and_currency(desk: Desk) -> None:
    first = await desk.connect(ACCOUNT)
    with pytest.raises(AlreadyExists) as refused:
        await desk.connect("CZ65 0800 0000 1920 0014 5399")
    assert first.id in refused.value.message
    assert refused.value.metadata == {"bank_connection_id": first.id}
    other = await desk.connect(ACCOUNT, "EUR")
    other.currency = "CZK"
    with pytest.raises(AlreadyExists):
        await desk.update(other)
    first.name = "renamed"
    assert (await desk.update(first)).name == "renamed"


async def test_of_two_at_once_one_is_refused(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.connect() for _ in range(4)), return_exceptions=True)
    made = [answer for answer in answers if isinstance(answer, api.BankConnection)]
    assert len(made) == 1
    assert all(isinstance(answer, AlreadyExists) for answer in answers if answer not in made)


@pytest.mark.parametrize(
    "account", ["19-2000145398/0800", "CZ6608000000192000145399", "12345", "x", "1" * 34]
)
async def test_an_account_with_wrong_check_digits_is_refused(desk: Desk, account: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await desk.connect(account)
    assert [violation.field for violation in refused.value.violations] == ["connection.account"]


async def test_a_slovak_domestic_number_is_the_slovak_iban(desk: Desk) -> None:
    await desk.connect("SK31 1200 0000 1987 4263 7541", "EUR")
    with pytest.raises(AlreadyExists):
        await desk.connect("19-8742637541/1200", "EUR")


@pytest.mark.parametrize("mailbox", ["nobody", "a b@c.example", "a@b@c.example", '"x"@y.example'])
async def test_a_mailbox_that_is_none_is_refused(desk: Desk, mailbox: str) -> None:
    with pytest.raises(InvalidArgument):
        await desk.connect(forwarding_mailboxes=[mailbox])


async def test_rotation_with_grace_keeps_the_old_address(desk: Desk, database: Database) -> None:
    made = await desk.connect()
    rotated = await desk.rotate(made, 24)
    assert rotated.address != made.address
    assert rotated.previous_address == made.address
    assert rotated.previous_address_end_time.seconds - rotated.create_time.seconds > 86_000
    twice = await desk.rotate(made, 24)
    assert twice.previous_address == rotated.address
    for address in (made.address, rotated.address, twice.address):
        assert await works(database, address)


async def test_rotation_without_grace_revokes_every_old_address(
    desk: Desk, database: Database
) -> None:
    made = await desk.connect()
    rotated = await desk.rotate(made, 24)
    last = await desk.rotate(made, 0)
    assert last.previous_address == ""
    assert not last.HasField("previous_address_end_time")
    assert not await works(database, made.address)
    assert not await works(database, rotated.address)
    assert await works(database, last.address)


async def test_a_grace_without_end_is_refused(desk: Desk) -> None:
    made = await desk.connect()
    with pytest.raises(InvalidArgument):
        await desk.rotate(made, 2161)


async def test_pages_go_from_the_newest_to_the_oldest(desk: Desk) -> None:
    made = [await desk.connect(currency=currency) for currency in ("CZK", "EUR", "USD")]
    seen: list[str] = []
    token = ""
    while True:
        request = api.ListBankConnectionsRequest(page_size=2, page_token=token)
        answer = await desk.call("ListBankConnections", request)
        seen += [connection.id for connection in answer.connections]
        token = answer.next_page_token
        if not token:
            break
    assert seen == [connection.id for connection in reversed(made)]


async def test_another_tenant_reaches_nothing(desk: Desk) -> None:
    made = await desk.connect()
    thief = desk.as_tenant(uuid4())
    for attempt in (thief.get(made.id), thief.update(made), thief.rotate(made, 0)):
        with pytest.raises(NotFound):
            await attempt
    answer = await thief.call("ListBankConnections", api.ListBankConnectionsRequest())
    assert list(answer.connections) == []
    assert await desk.get(made.id) == made
    # The same account may be another tenant's, too: they may share it.
    assert (await thief.connect()).address != made.address


async def test_addresses_are_sealed_anew_with_a_new_key(desk: Desk, database: Database) -> None:
    made = await desk.connect()
    keys = {"k1": bytes(range(32)), "k2": bytes(32)}
    newer = Seal({"k2": keys["k2"], "k1": keys["k1"]})
    async with database.transaction(desk.tenant) as connection:
        assert await reseal_addresses(connection, newer, desk.tenant, 10) == 1
        assert await reseal_addresses(connection, newer, desk.tenant, 10) == 0
        cursor = await connection.execute(
            "SELECT sealing_key FROM address WHERE tenant_id = %s", [desk.tenant]
        )
        assert await cursor.fetchall() == [("k2",)]
        back = Seal({"k1": keys["k1"], "k2": keys["k2"]})
        assert await reseal_addresses(connection, back, desk.tenant, 10) == 1
    assert (await desk.get(made.id)).address == made.address
