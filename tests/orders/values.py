"""Orders as values, and strategies that make what may happen to them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from hypothesis import strategies as st

from orders.domain.content import (
    Content,
    Customer,
    Line,
    LineKind,
    PaymentMethod,
    References,
    Wish,
)
from orders.domain.imports import Report
from orders.domain.order import Import, ImportState, Order, PaymentState
from orders.domain.status import StatusRule
from orders.domain.transitions import place

NOW: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER: Final = NOW + timedelta(hours=1)
NO_RULE: Final = StatusRule()
RULE: Final = StatusRule(
    placed="new", paid="paid", paid_unless=("packed",), delivered="done", cancelled="off"
)


def goods(line_id: str = "1", quantity: str = "2", price: str = "50") -> Line:
    return Line(
        id=line_id,
        kind=LineKind.GOODS,
        listing_id="",
        product_number=f"P-{line_id}",
        ean="",
        name=f"Item {line_id}",
        quantity=Decimal(quantity),
        unit="ks",
        unit_price=Decimal(price),
        vat_rate=Decimal(21),
    )


def content(*lines: Line, total: str = "100") -> Content:
    return Content(
        channel_id="eshop",
        channel_order_id="A-1",
        number="2026001",
        currency="CZK",
        prices_include_vat=True,
        customer=Customer(name="Jan Novák"),
        billing_address=None,
        shipping_address=None,
        lines=lines or (goods(),),
        shipping_method="",
        payment_method=PaymentMethod.BANK_TRANSFER,
        payment_method_name="",
        total=Decimal(total),
        note="",
    )


def wish(*lines: Line, total: str = "100") -> Wish:
    return Wish(content(*lines, total=total), None, References())


def placed(*lines: Line, total: str = "100", rule: StatusRule = NO_RULE) -> Order:
    return place(UUID(int=1), wish(*lines, total=total), rule, NOW)


def with_status(order: Order, status: str) -> Order:
    return replace(order, status=status)


quantities = st.decimals(min_value=0, max_value=5, places=1)
amounts = st.decimals(min_value=0, max_value=300, places=2)
states = st.sampled_from(PaymentState) | st.none()


@st.composite
def payment_reports(draw: st.DrawFn) -> list[tuple[int, Decimal, PaymentState | None]]:
    """Reports with revisions of their own; each says the same whenever it comes."""
    said = draw(st.lists(st.tuples(amounts, states), min_size=1, max_size=6))
    return [(revision, amount, state) for revision, (amount, state) in enumerate(said, start=1)]


@st.composite
def import_reports(draw: st.DrawFn) -> list[Report]:
    """Reports about an order of the lines 1 and 2, with revisions of their own."""
    reports = []
    for revision in range(1, draw(st.integers(1, 6)) + 1):
        state = draw(st.sampled_from(ImportState))
        delivered = st.fixed_dictionaries({"1": quantities, "2": quantities})
        reports.append(
            Report(
                Import(state, document_id="7", reason="because", revision=revision),
                blocked_lines=("1",) if state is ImportState.BLOCKED else (),
                delivered=draw(delivered | st.none()),
                complete=draw(st.booleans()),
            )
        )
    return reports
