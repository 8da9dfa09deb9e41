"""A rule that changes: every item follows it, whoever was at work or died meanwhile."""

from uuid import uuid4

from stock.levels.relevel import ask, relevel
from stock.warehouses.port import Meaning
from tests.stock.conftest import MakeMerchant, Merchant
from tests.stock.scene import Scene, begun


async def begin(make_merchant: MakeMerchant) -> Scene:
    return await begun(await make_merchant(Meaning.PHYSICAL), A="10")


async def change_buffer(merchant: Merchant, buffer: int) -> None:
    """As `UpdateConnection` does it, up to its commit."""
    async with merchant.database.transaction(merchant.tenant) as connection:
        await connection.execute(
            "UPDATE connection SET buffer = %s WHERE tenant_id = %s AND id = %s",
            [buffer, merchant.tenant, merchant.connection_id],
        )
        await ask(connection, merchant.tenant, merchant.connection_id, "rule changed")


async def test_an_answer_under_way_is_applied_by_the_rule_of_now(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    merchant.warehouse.move("A", "2")
    await scene.ask("A")
    former = (await merchant.row()).rule
    await change_buffer(merchant, 5)
    await relevel(merchant.database, merchant.tenant, merchant.connection_id, lambda: None)
    assert await merchant.available("A") == 5
    await scene.apply(scene.answers[-1], rule=former)
    assert await merchant.available("A") == 7
    await scene.check()


async def test_what_a_stopped_process_left_is_decided_by_the_worker_first(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    await change_buffer(merchant, 3)
    assert await merchant.available("A") == 10
    requests = len(merchant.warehouse.requests)
    await scene.job()
    assert await merchant.available("A") == 7
    assert len(merchant.warehouse.requests) == requests, "nothing had to be asked for"
    assert (await merchant.row()).decide_after is None


async def test_a_rule_that_changes_again_begins_anew(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    await merchant.change(decide_after=uuid4(), decide_cause="half done")
    await merchant.change(buffer=4)
    await merchant.decide_anew()
    assert await merchant.available("A") == 6


async def test_a_connection_that_starts_withdraws_what_the_former_one_offered(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    former = scene.merchant
    successor = await another_connection(former)
    await former.change(state="inactive")
    await successor.change(state="starting")
    # The process that was told to activate it died before it had withdrawn anything.
    await successor.work()
    assert await former.available("A") == 0
    assert (await successor.row()).state == "active"


async def another_connection(former: Merchant) -> Merchant:
    """A second connection of the same tenant, whose warehouse has nothing."""
    successor = Merchant(former.database, former.tenant, uuid4())
    async with former.database.transaction(former.tenant) as connection:
        cursor = await connection.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
            " WHERE table_schema = 'stock' AND table_name = 'connection'"
            " AND column_name NOT IN ('id', 'state')"
        )
        found = await cursor.fetchone()
        assert found is not None
        await connection.execute(
            f"INSERT INTO connection (id, state, {found[0]})"
            f" SELECT %s, 'inactive', {found[0]} FROM connection"
            " WHERE tenant_id = %s AND id = %s".encode(),
            [successor.connection_id, former.tenant, former.connection_id],
        )
    return successor
