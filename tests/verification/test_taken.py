"""What the order book took of payments and of the warehouse is what they said, and say."""

from dataclasses import dataclass
from uuid import uuid4

import pytest

from orders.verification.taking import PaidTaking
from spojka.api.common.v1.money_pb2 import Money
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import events_pb2
from spojka.up.preparation import own_database_url
from spojka.verification.hearing import Place
from spojka.verification.model import Difference, Word, registered_verifications
from spojka.verification.taken import Kept, TakingWork
from spojka.verification.verifying import verify
from tests.verification.lived import Lived

PAYMENT_REVISION = "payment_revision"
IMPORT_REVISION = "import.revision"


@dataclass(frozen=True, slots=True)
class Tampering:
    """A change, the fields that differ by it, and a word of why; an order by its number."""

    name: str
    statement: str
    fields: frozenset[str]
    why: str


def _put(order: order_pb2.Order, where: str) -> str:
    """Fields that, put behind a stored message, take the place of its own."""
    behind = order.SerializeToString().hex()
    return f"UPDATE orders.order_book SET value = value || '\\x{behind}'::bytea WHERE {where}"


def _import(**fields: object) -> order_pb2.Order:
    order = order_pb2.Order()
    record = order_pb2.OrderImport(**fields)  # type: ignore[arg-type]
    getattr(order, "import").CopyFrom(record)
    return order


PART = "channel_order_id = 'A-2026701'"
OPEN = "channel_order_id = 'A-2026704'"
PAYABLE = "UPDATE payments.payable SET"
IMPORT = "UPDATE stock.order_import SET"
TAMPERINGS = (
    Tampering("what is paid, to a cent", _put(order_pb2.Order(amount_paid="400.01"), PART),
              frozenset({"amount_paid"}), "the same revision"),
    Tampering("what is paid, with its state",
              _put(order_pb2.Order(payment_state=order_pb2.PAYMENT_STATE_PAID), PART),
              frozenset({"payment_state"}), "the same revision"),
    Tampering("paid, and nobody said so", _put(order_pb2.Order(amount_paid="1"), OPEN),
              frozenset({"amount_paid"}), "nothing was ever said"),
    Tampering("what payments say", f"{PAYABLE} paid = paid + 1 WHERE number = 'A-2026701'",
              frozenset({"amount_paid"}), "the same revision"),
    Tampering("payments are behind", f"{PAYABLE} payment_revision = 0 WHERE number = 'A-2026701'",
              frozenset({PAYMENT_REVISION}), "never told"),
    Tampering("where the import stands", _put(_import(state=order_pb2.IMPORT_STATE_UNKNOWN), OPEN),
              frozenset({"import.state", "import.content_revision"}), "the same revision"),
    Tampering("another document", _put(_import(document_number="OTHER"), OPEN),
              frozenset({"import.document_number"}), "the same revision"),
    Tampering("what the warehouse's side says",
              f"{IMPORT} document_number = 'OTHER' WHERE order_number = 'A-2026704'",
              frozenset({"import.document_number"}), "the same revision"),
    Tampering("the warehouse's side is behind",
              f"{IMPORT} revision = revision - 1 WHERE order_number = 'A-2026704'",
              frozenset({IMPORT_REVISION}), "never told"),
)  # fmt: skip
LOST = (
    Tampering("a word of payments was not taken",
              f"UPDATE orders.order_book SET payment_revision = 0 WHERE {PART}",
              frozenset({PAYMENT_REVISION}), "is past"),
    Tampering("a word of the warehouse was not taken",
              _put(_import(revision=1), "channel_order_id = 'A-2026702'"),
              frozenset({IMPORT_REVISION}), "is past"),
)  # fmt: skip


async def _differences(lived: Lived, *, topics: bool) -> list[Difference]:
    report = await lived.verify("orders", topics=topics)
    return [
        found
        for tenant, found in report.services["orders"].differences
        if tenant == lived.tenants["orders"]
    ]


@pytest.mark.parametrize("tampering", TAMPERINGS, ids=lambda each: each.name)
async def test_what_was_taken_and_is_not_so_is_found_and_named(
    copy: Lived, tampering: Tampering
) -> None:
    """Against the owner's own database: however old the order is."""
    assert copy.change(tampering.statement), "the statement changes nothing"
    found = [
        each for each in await _differences(copy, topics=False) if tampering.why in each.meaning
    ]
    assert {each.field for each in found} == tampering.fields, found
    assert {each.what for each in found} == {"order"}


@pytest.mark.parametrize("tampering", LOST, ids=lambda each: each.name)
async def test_a_word_that_the_group_is_past_and_the_book_has_not_is_found(
    copy: Lived, tampering: Tampering
) -> None:
    assert copy.change(tampering.statement), "the statement changes nothing"
    found = [
        each for each in await _differences(copy, topics=True) if tampering.why in each.meaning
    ]
    assert {each.field for each in found} == tampering.fields, found


async def test_what_both_services_have_and_the_topic_never_said_is_found(copy: Lived) -> None:
    """As after a word that was published and then changed on both sides."""
    more = order_pb2.Order(amount_paid="401")
    assert copy.change(_put(more, PART))
    assert copy.change(f"{PAYABLE} paid = 401 WHERE number = 'A-2026701'")
    assert [each for each in await _differences(copy, topics=False) if _is_taken(each)] == []
    (found,) = [each for each in await _differences(copy, topics=True) if _is_taken(each)]
    assert (found.field, found.stored, found.rebuilt) == ("amount_paid", "401 CZK", "400 CZK")


async def test_a_role_that_reads_the_order_book_alone_compares_with_the_topics(
    lived: Lived,
) -> None:
    """What it can't be compared with is said."""
    report = await verify(
        [registered_verifications()["orders"]],
        lived.tenants,
        lambda _schema: own_database_url(lived.settings, "orders"),
        lived.settings,
        topics=True,
    )
    orders = report.services["orders"]
    assert report.agrees, orders.differences
    for service in ("payments", "stock"):
        assert orders.checked[f"service that it can't be compared with: {service}"] == 1
    assert orders.checked["order, compared with payments.v1"] == 3
    assert "order, compared with payments" not in orders.checked


def _is_taken(difference: Difference) -> bool:
    return difference.field in {"amount_paid", PAYMENT_REVISION} and "said" in difference.meaning


UNPAID: Word = ("0", "CZK", "UNPAID", "100", "")
PARTLY: Word = ("40", "CZK", "PARTIAL", "100", "")


def _hear(kept: Kept, *, handled: int, currency: str = "CZK") -> list[Difference]:
    """What is found where a word of revision 2 stands at offset 7."""
    key = f"{uuid4()}/{uuid4()}"
    work = TakingWork(PaidTaking(), taken={key: kept}, handled={0: handled})
    message = events_pb2.OrderPaymentChanged(
        revision=2,
        amount_paid=Money(currency=currency, amount="100.00"),
        payment_state=order_pb2.PAYMENT_STATE_PAID,
    )
    kind = message.DESCRIPTOR.full_name
    work.hear(Place("payments.v1", 0, 7), kind, key, message.SerializeToString())
    work.compare_with_topic()
    return [each for _, each in work.findings() if isinstance(each, Difference)]


def test_what_is_under_way_is_no_difference() -> None:
    assert _hear(Kept(0, UNPAID), handled=7) == []
    assert _hear(Kept(1, PARTLY), handled=7) == []
    (passed,) = _hear(Kept(1, PARTLY), handled=8)
    assert (passed.field, passed.stored, passed.rebuilt) == (PAYMENT_REVISION, "1", "2")


def test_a_word_is_compared_by_what_it_makes_of_the_order() -> None:
    assert _hear(Kept(2, ("100", "CZK", "PAID", "100", "")), handled=8) == []
    # Within the tolerance payments call it paid; and the order book counts by itself once amended.
    assert _hear(Kept(2, ("100", "CZK", "PAID", "101", "")), handled=8) == []
    assert _hear(Kept(2, ("100", "CZK", "PARTIAL", "101", "")), handled=8) == []
    assert _hear(Kept(2, ("100", "CZK", "UNPAID", "100", "cancelled")), handled=8) == []
    assert _hear(Kept(2, PARTLY), handled=8, currency="EUR") == []
    assert _hear(Kept(1, PARTLY), handled=8, currency="EUR") == []
    for kept, field in (
        (("99.99", "CZK", "PAID", "100", ""), "amount_paid"),
        (("100", "CZK", "PAID", "300", ""), "payment_state"),
        (("100", "CZK", "OVERPAID", "100", "cancelled"), "payment_state"),
        (("100", "CZK", "UNPAID", "100", ""), "payment_state"),
    ):
        (found,) = _hear(Kept(2, kept), handled=8)
        assert found.field == field
