"""What a probe names is read at once; what it can't name is left to a reading."""

from datetime import UTC, datetime, timedelta
from typing import Final

from stock.warehouses.port import CardKey, Meaning, Probe
from stock.worker.connection_worker import TARGETS_MAX
from tests.stock.conftest import MakeMerchant, Merchant

JOBS_MAX: Final = 30


async def probe(merchant: Merchant, told: Probe) -> list[str]:
    """Let the next probe tell this; the requests that were made because of it."""
    merchant.warehouse.next_probe = told
    merchant.warehouse.requests.clear()
    await merchant.change(next_probe_time=datetime.now(UTC))
    await merchant.work()
    assert merchant.warehouse.requests[0] == "probe"
    return merchant.warehouse.requests[1:]


async def begin(make_merchant: MakeMerchant) -> Merchant:
    merchant = await make_merchant(Meaning.PHYSICAL)
    merchant.warehouse.put("A", on_hand="10")
    merchant.warehouse.put("B", on_hand="5")
    await merchant.read()
    return merchant


async def test_the_named_cards_are_read_at_once_and_no_others(make_merchant: MakeMerchant) -> None:
    merchant = await begin(make_merchant)
    merchant.warehouse.move("A", "-4")
    merchant.warehouse.move("B", "1")
    asked = await probe(merchant, Probe([CardKey("MAIN", "A")], (), "next"))
    assert asked == ["read_cards"]
    assert await merchant.available("A") == 6
    assert await merchant.available("B") == 5
    assert (await merchant.row()).probe_cursor == "next"


async def test_the_named_documents_are_read_back_and_then_their_cards(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await begin(make_merchant)
    order = await merchant.order(("A", "2"))
    await merchant.work()
    document = (await merchant.import_of(order)).document_id
    merchant.warehouse.deliver(document, 0, "2")
    asked = await probe(merchant, Probe((), [document, "of somebody else"], "next"))
    assert asked == ["read_documents", "read_cards"]
    assert await merchant.available("A") == 8
    assert (await merchant.import_of(order)).complete
    assert [hold.live for hold in await merchant.holds(order)] == [0]


async def test_a_card_that_is_gone_stands_in_the_way_of_no_other(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await begin(make_merchant)
    merchant.warehouse.move("A", "-4")
    keys = [CardKey("MAIN", "GONE"), CardKey("MAIN", "A")]
    assert await probe(merchant, Probe(keys, (), "next")) == ["read_cards"]
    assert await merchant.available("A") == 6


async def test_a_probe_that_could_not_name_all_asks_for_a_reading(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await begin(make_merchant)
    merchant.warehouse.move("B", "-3")
    asked = await probe(merchant, Probe((), (), "next", incomplete=True))
    assert asked == ["warehouses", "read_changes"]
    assert await merchant.available("B") == 2


async def test_a_reading_comes_to_its_end_though_a_probe_is_always_due(
    make_merchant: MakeMerchant,
) -> None:
    """As where the warehouse takes longer to answer than probes are apart."""
    merchant = await begin(make_merchant)
    merchant.warehouse.requests.clear()
    await merchant.change(requested_reading="full", requested_cause="test")
    worker = await merchant.worker()
    for _ in range(JOBS_MAX):
        await merchant.change(next_probe_time=datetime.now(UTC) - timedelta(seconds=1))
        merchant.warehouse.next_probe = Probe([CardKey("MAIN", "A")], (), "next")
        job = await worker._next_job()
        assert job is not None
        await job()
        if (await merchant.row()).requested_reading is None and worker.reading is None:
            break
    assert merchant.warehouse.requests == ["probe", "read_cards", "warehouses", "read_full"]


async def test_more_cards_than_are_remembered_ask_for_a_reading(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await begin(make_merchant)
    merchant.warehouse.move("B", "-3")
    keys = [CardKey("MAIN", f"P{place}") for place in range(TARGETS_MAX)] + [CardKey("MAIN", "B")]
    asked = await probe(merchant, Probe(keys, (), "next"))
    assert "read_changes" in asked
    assert await merchant.available("B") == 2


async def test_targets_wait_while_the_system_is_away(make_merchant: MakeMerchant) -> None:
    merchant = await begin(make_merchant)
    merchant.warehouse.move("A", "-4")
    merchant.warehouse.next_probe = Probe([CardKey("MAIN", "A")], (), "next")
    await merchant.change(next_probe_time=datetime.now(UTC))
    worker = await merchant.worker()
    job = await worker._next_job()
    assert job is not None
    await job()
    merchant.warehouse.refuse_connections = 1
    await worker.run()
    assert await merchant.available("A") == 10
    assert "stock.connection_problem" in await merchant.tasks()
    await merchant.change(retry_time=None)
    await worker.run()
    assert await merchant.available("A") == 6
    assert "stock.connection_problem" not in await merchant.tasks()


async def test_what_a_probe_named_is_read_by_the_next_process(make_merchant: MakeMerchant) -> None:
    merchant = await begin(make_merchant)
    merchant.warehouse.move("A", "-4")
    merchant.warehouse.next_probe = Probe([CardKey("MAIN", "A")], ("D1",), "next")
    await merchant.change(next_probe_time=datetime.now(UTC))
    stopped = await merchant.worker()
    job = await stopped._next_job()
    assert job is not None
    await job()
    merchant.warehouse.requests.clear()
    await merchant.work()
    assert merchant.warehouse.requests == ["read_documents", "read_cards"]
    assert await merchant.available("A") == 6
    assert (await merchant.row()).named is None
    merchant.warehouse.requests.clear()
    await merchant.work()
    assert merchant.warehouse.requests == []
