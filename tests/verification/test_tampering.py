"""Whatever is changed behind the services' back is found, and named."""

from dataclasses import dataclass

import psycopg
import pytest

from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.verification.model import Difference, registered_verifications
from spojka.verification.snapshot import Snapshot
from tests.verification.lived import Lived


@dataclass(frozen=True, slots=True)
class Tampering:
    """One statement, and the difference that it makes: what, and which field of it."""

    name: str
    service: str
    statement: str
    what: str
    field: str


def _bytes(order: order_pb2.Order) -> str:
    """Fields that, put behind a stored message, take the place of its own."""
    return f"value || '\\x{order.SerializeToString().hex()}'::bytea"


ONE_ABSORBED = """
    (order_id, line_id) = (SELECT order_id, line_id FROM stock.hold WHERE absorbed > 0
                           ORDER BY order_id, line_id LIMIT 1)
"""
LOCAL_HOLD = "order_id = (SELECT order_id FROM stock.order_import WHERE state = 'local')"
SOLD_ITEM = "(SELECT item_id FROM stock.movement WHERE revision > 2 ORDER BY item_id LIMIT 1)"
P1 = "(SELECT id FROM stock.item WHERE product_number = 'P1')"
MATCHED = f"status = {payment_pb2.PAYMENT_STATUS_MATCHED}"
FIRST_LINE = """
    id = (SELECT id FROM payments.allocation AS line WHERE amount > 0 AND reverses_id IS NULL
            AND order_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM payments.allocation WHERE reverses_id = line.id)
          ORDER BY id LIMIT 1)
"""

STOCK = (
    ("the warehouse's number", f"UPDATE stock.level SET on_hand = on_hand + 1 WHERE item_id = {P1}",
     "level", "available"),
    ("a level, counted as it should be",
     f"UPDATE stock.level SET on_hand = 99, available = 99 WHERE item_id = {P1}",
     "item", "available"),
    ("a level is gone", f"DELETE FROM stock.level WHERE item_id = {P1}", "item", "removed"),
    ("an answer that was never asked for",
     f"UPDATE stock.level SET capture = 1000000 WHERE item_id = {P1}", "level", "capture"),
    ("a hold counts less", f"UPDATE stock.hold SET absorbed = absorbed - 1 WHERE {ONE_ABSORBED}",
     "hold", "absorbed"),
    ("a hold wants more",
     f"UPDATE stock.hold SET wanted = wanted + 1, created = created + 1 WHERE {LOCAL_HOLD}",
     "hold", "wanted"),
    ("a hold is gone", f"DELETE FROM stock.hold WHERE {LOCAL_HOLD}", "hold", "wanted"),
    ("a read-back is gone", "DELETE FROM stock.read_back", "hold", "absorbed"),
    ("what was delivered is forgotten", "UPDATE stock.order_import SET delivered = '{}'",
     "import", "delivered"),
    ("an order is not cancelled any more",
     "UPDATE stock.order_import SET cancelled = NOT cancelled",
     "import", "cancelled"),
    ("the published bytes",
     f"UPDATE stock.item SET content = content || '\\x6800'::bytea WHERE id = {P1}",
     "item", "content"),
    ("an item can't be read", f"UPDATE stock.item SET content = '\\xff' WHERE id = {P1}", "item",
     "content"),
    ("an order can't be read", "UPDATE stock.order_import SET content = '\\xff'", "import",
     "content"),
    ("what is available", f"UPDATE stock.item SET available = available + 1 WHERE id = {P1}",
     "item", "available"),
    ("an item is gone", f"DELETE FROM stock.item WHERE id = {P1}", "level", "item_id"),
    ("a step of the history",
     f"DELETE FROM stock.movement WHERE revision = 2 AND item_id = {SOLD_ITEM}",
     "movement", "before"),
    ("the last step of the history",
     f"UPDATE stock.movement SET after = after + 1 WHERE item_id = {P1}", "movement", "after"),
)  # fmt: skip
ORDERS = (
    ("what is paid",
     f"UPDATE orders.order_book SET value = {_bytes(order_pb2.Order(amount_paid='1'))}",
     "order", "payment_state"),
    ("an order can't be read", "UPDATE orders.order_book SET value = '\\xff'", "order", "value"),
    ("a state beside the order", "UPDATE orders.order_book SET payment_state = 3", "order",
     "payment_state"),
    ("a symbol beside the order", "UPDATE orders.order_book SET variable_symbol = '7'", "order",
     "variable_symbol"),
    ("what was shipped", "UPDATE orders.order_book SET deliveries = NULL", "order",
     "fulfilment_state"),
    ("a step of the history", "DELETE FROM orders.history WHERE revision = 2", "order", "history"),
    ("an order is gone", "DELETE FROM orders.order_book WHERE channel_order_id = 'A-2026704'",
     "order", "id"),
    ("the channel is gone", "DELETE FROM orders.channel", "channel", "id"),
)  # fmt: skip
PAYMENTS = (
    ("a ledger line", f"UPDATE payments.allocation SET amount = amount + 0.01 WHERE {FIRST_LINE}",
     "payment", "allocated"),
    ("a ledger line, seen from its order",
     f"UPDATE payments.allocation SET amount = amount + 0.01 WHERE {FIRST_LINE}", "order", "paid"),
    ("a ledger line is gone", f"DELETE FROM payments.allocation WHERE {FIRST_LINE}", "payment",
     "allocated"),
    ("a line that took another back",
     "UPDATE payments.allocation SET reverses_id = NULL WHERE reverses_id IS NOT NULL",
     "ledger line", "amount"),
    ("a line that takes back another amount",
     "UPDATE payments.allocation SET amount = amount * 2 WHERE reverses_id IS NOT NULL",
     "ledger line", "amount"),
    ("a decision is gone", "DELETE FROM payments.decision WHERE kind = 'match'", "ledger line",
     "decision_id"),
    ("a decision can't be read",
     "UPDATE payments.decision SET before = '\\xff' WHERE kind = 'unmatch'", "decision", "before"),
    ("a payment's sum",
     f"UPDATE payments.payment SET allocated = allocated - 1 WHERE {MATCHED} AND allocated > 1",
     "payment", "allocated"),
    ("a payment's credit", "UPDATE payments.payment SET credited = 0 WHERE credited > 0", "payment",
     "credited"),
    ("a payment's state", f"UPDATE payments.payment SET status = 2 WHERE {MATCHED}", "payment",
     "status"),
    ("how often an account paid for a customer", "UPDATE payments.payer SET times = times + 1",
     "payer", "times"),
    ("for whom a line was given",
     f"UPDATE payments.allocation SET customer_key = '' WHERE {FIRST_LINE}", "payer", "times"),
    ("nobody told of a payment", "DELETE FROM payments.payment_source", "payment", "source"),
    ("what is paid of an order", "UPDATE payments.payable SET paid = paid - 0.01 WHERE paid > 0",
     "order", "paid"),
    ("an order's state", "UPDATE payments.payable SET payment_state = 2 WHERE number = '11'",
     "order", "payment_state"),
    ("an order is open", "UPDATE payments.payable SET close_time = NULL WHERE number = '11'",
     "order", "close_time"),
    ("an order is not found", "DELETE FROM payments.payable_key WHERE key = '11'", "order",
     "key ORDER_VARIABLE_SYMBOL"),
    ("an order is gone", "DELETE FROM payments.payable WHERE number = '11'", "ledger line",
     "order_id"),
)  # fmt: skip
MAIL = (
    ("a mail's bytes", "UPDATE mail_ingest.mail_raw SET raw = raw || 'x'", "mail", "raw"),
    ("a mail's bytes are gone", "DELETE FROM mail_ingest.mail_raw", "mail", "raw"),
    ("a mail is gone", "DELETE FROM mail_ingest.mail", "mail", "id"),
    ("nobody judges it", "UPDATE mail_ingest.mail SET state = 1", "mail", "state"),
    ("a forged mail is believed", "UPDATE mail_ingest.mail SET trust = 1 WHERE trust = 3", "mail",
     "state"),
    ("another bank", "UPDATE mail_ingest.mail SET bank = 'other'", "mail", "bank"),
    ("another movement was told",
     "UPDATE mail_ingest.notified SET likeness = 'in 1 CZK 2026-01-01'", "mail", "movement"),
    ("a movement's number", "UPDATE mail_ingest.notified SET movement = 5", "mail", "movement"),
)  # fmt: skip

VERIFICATIONS = registered_verifications()
TAMPERINGS = [
    Tampering(name, service, statement, what, field)
    for service, entries in (
        ("stock", STOCK),
        ("orders", ORDERS),
        ("payments", PAYMENTS),
        ("mail_ingest", MAIL),
    )
    for name, statement, what, field in entries
]


@pytest.mark.parametrize(
    "tampering", TAMPERINGS, ids=[f"{each.service}: {each.name}" for each in TAMPERINGS]
)
async def test_a_tampering_is_found_and_named(lived: Lived, tampering: Tampering) -> None:
    """Tamper and verify in one transaction, which is rolled back."""
    verification, tenant = VERIFICATIONS[tampering.service], lived.tenants[tampering.service]
    options = f"-c search_path={tampering.service}"
    async with await psycopg.AsyncConnection.connect(lived.url, options=options) as connection:
        changed = await connection.execute(tampering.statement.encode())
        assert changed.rowcount, "the statement changes nothing"
        books = verification.books(Snapshot(connection), tenant)
        found = [each async for each in books if isinstance(each, Difference)]
        await connection.rollback()
    named = {(each.what, each.field) for each in found}
    assert (tampering.what, tampering.field) in named, found
