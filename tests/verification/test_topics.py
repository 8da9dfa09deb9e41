"""What readers of the topics know is what the database says, with what waits in the outbox."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import uuid4

import pytest

from payments.verification.telling import ReceivedTelling
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2
from spojka.api.stock.v1 import events_pb2 as stock_events
from spojka.database import Database
from spojka.delivery.admin import ensure_topics
from spojka.verification.hearing import Heard, Place
from spojka.verification.model import Difference
from stock.verification.telling import StockTelling
from tests.conftest import service_url
from tests.stock.conftest import Merchant
from tests.verification.lived import Lived

PLACE = Place("here", 0, 0)
LOST = "older than the database"
AHEAD = "ahead of the database"
UNKNOWN = "the database does not have"
OTHER = "something else of the same version"
OTHER_STATUS = order_pb2.Order(status="other").SerializeToString().hex()
TAMPERINGS = {
    "stock": (
        ("UPDATE stock.item SET revision = revision + 1 WHERE product_number = 'P0'", "item", LOST),
        (
            "UPDATE stock.item SET revision = revision - 1 WHERE product_number = 'P2'",
            "item",
            AHEAD,
        ),
        (
            (
                "UPDATE stock.item SET as_of_time = as_of_time + interval '1 s'"
                " WHERE product_number = 'P3'"
            ),
            "item",
            OTHER,
        ),
        ("DELETE FROM stock.item WHERE product_number = 'P1'", "item", UNKNOWN),
        ("UPDATE stock.order_import SET revision = revision + 1", "import", LOST),
    ),
    "orders": (
        (
            (
                f"UPDATE orders.order_book SET value = value || '\\x{OTHER_STATUS}'::bytea"
                " WHERE channel_order_id = 'A-2026701'"
            ),
            "order",
            "content",
        ),
        ("DELETE FROM orders.order_book WHERE channel_order_id = 'A-2026704'", "order", UNKNOWN),
    ),
    "payments": (
        ("DELETE FROM payments.payment WHERE amount = 7", "payment received", UNKNOWN),
        (
            "UPDATE payments.allocation SET amount = amount + 1 WHERE order_id IS NOT NULL",
            "payment matched",
            "content",
        ),
        (
            (
                "UPDATE payments.payable SET payment_revision = payment_revision + 1"
                " WHERE number = '11'"
            ),
            "order paid",
            LOST,
        ),
        ("UPDATE payments.payable SET paid = paid + 1 WHERE number = '12'", "order paid", OTHER),
    ),
    "mail_ingest": (("DELETE FROM mail_ingest.notified", "movement", UNKNOWN),),
}


async def _differences(lived: Lived, service: str) -> list[Difference]:
    report = await lived.verify(service, topics=True)
    return [found for tenant, found in report.services[service].differences if tenant is None]


@pytest.mark.parametrize("service", TAMPERINGS)
async def test_a_stale_topic_is_found(copy: Lived, service: str) -> None:
    for statement, _what, _meaning in TAMPERINGS[service]:
        assert copy.change(statement), f"changes nothing: {statement}"
    found = await _differences(copy, service)
    for statement, what, meaning in TAMPERINGS[service]:
        assert [each for each in found if each.what == what and meaning in each.meaning], (
            f"{statement}: {found}"
        )


@pytest.fixture
async def merchant(copy: Lived) -> AsyncIterator[Merchant]:
    """The merchant of the goods' story, in the copy, where no relay runs."""
    database = Database(service_url(copy.url, "stock"), "stock", application="tests")
    await database.open()
    tenant = copy.tenants["stock"]
    async with database.transaction(tenant) as connection:
        cursor = await connection.execute("SELECT id FROM connection")
        row = await cursor.fetchone()
    assert row is not None
    yield Merchant(database, tenant, row[0])
    await database.close()


async def test_what_waits_in_the_outbox_counts_as_told(copy: Lived, merchant: Merchant) -> None:
    await merchant.order(("P1", "1"))
    assert await _differences(copy, "stock") == []
    assert copy.change("DELETE FROM stock.outbox")
    (lost,) = await _differences(copy, "stock")
    assert (lost.what, LOST in lost.meaning) == ("item", True)


async def test_records_that_are_missing_are_found(lived: Lived) -> None:
    empty = lived.settings.model_copy(update={"topic_prefix": f"t{secrets.token_hex(4)}"})
    await ensure_topics(empty)
    found = await _differences(replace(lived, settings=empty), "mail_ingest")
    assert len(found) == 2
    assert all("neither the topic nor the outbox" in each.meaning for each in found)


def test_a_payment_that_is_told_of_twice_is_found() -> None:
    heard = Heard(ReceivedTelling())
    key = f"{uuid4()}/{uuid4()}"
    kind = events_pb2.PaymentReceived.DESCRIPTOR.full_name
    heard.hear(PLACE, kind, key, b"")
    assert heard.faults == []
    heard.hear(PLACE, kind, key, b"")
    assert [fault.stored for fault in heard.faults] == ["told again"]


def test_a_topic_that_goes_back_is_found() -> None:
    heard = Heard(StockTelling())
    key = f"{uuid4()}/{uuid4()}"
    kind = stock_events.StockChanged.DESCRIPTOR.full_name
    for revision in (1, 3):
        value = stock_events.StockChanged(revision=revision, epoch=1).SerializeToString()
        heard.hear(PLACE, kind, key, value)
    assert heard.faults == []
    value = stock_events.StockChanged(revision=2, epoch=1).SerializeToString()
    heard.hear(PLACE, kind, key, value)
    assert len(heard.faults) == 1
    # A tombstone ends the item; what comes after it begins anew.
    heard.hear(PLACE, kind, key, None)
    heard.hear(PLACE, kind, key, value)
    assert len(heard.faults) == 1


def test_an_event_that_cannot_be_read_is_found() -> None:
    heard = Heard(StockTelling())
    kind = stock_events.StockChanged.DESCRIPTOR.full_name
    heard.hear(PLACE, kind, f"{uuid4()}/{uuid4()}", b"\xff")
    assert "can't be parsed" in heard.faults[0].stored
