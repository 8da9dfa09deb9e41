"""The request that imports an order: valid, deterministic, complete."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from stock.warehouses.errors import Refused
from stock.warehouses.pohoda.names import find, text_at
from stock.warehouses.pohoda.order_request import write_order
from stock.warehouses.pohoda.settings import PohodaSettings, parse_settings
from stock.warehouses.port import (
    LineKind,
    OrderDocument,
    OrderLine,
    Party,
    PaymentMethod,
)

MakeSettings = Callable[..., PohodaSettings]
NARROW_MONEY = st.decimals(Decimal(-(10**9)), Decimal(10**9), places=6)
RATES = st.sampled_from([None, Decimal(21), Decimal("12.0"), Decimal(0)])

SHORT = st.text(max_size=300)
PARTIES = st.builds(
    Party, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT, SHORT
)
# Product numbers that the code page holds: others are refused, as a test of its own shows.
LINES = st.builds(
    OrderLine,
    line_id=st.text(max_size=64),
    kind=st.sampled_from(LineKind),
    text=st.text(max_size=300),
    quantity=st.decimals(Decimal("0.000001"), Decimal(10**9), places=6),
    unit=st.text(max_size=20),
    unit_price=NARROW_MONEY,
    vat_rate=RATES,
    product_number=st.text(
        st.characters(codec="cp1250", exclude_categories=["Cc"]), min_size=1, max_size=64
    ),
    ean=st.text("0123456789", max_size=14),
    warehouse=st.sampled_from(["", "HLAVNI"]),
)
ORDERS = st.builds(
    OrderDocument,
    external_id=st.text(max_size=100),
    number=st.text(max_size=100),
    order_date=st.dates(),
    currency=st.sampled_from(["CZK", "EUR"]),
    prices_include_vat=st.booleans(),
    billing=PARTIES,
    shipping=st.none() | PARTIES,
    lines=st.lists(LINES, max_size=4).map(tuple),
    payment_method=st.sampled_from(PaymentMethod),
    payment_method_name=st.text(max_size=80),
    shipping_method=st.text(max_size=80),
    note=st.text(max_size=500),
    channel=st.text(max_size=40),
    reserve=st.booleans(),
)
VARIANTS: list[dict[str, str]] = [
    {},
    {"encoding": "utf-8", "number_series": "2621", "link_to_address_book": "true"},
    {"edition": "sk", "currency_home": "EUR", "other_vat_rates": "percent", "rounding": "math2one"},
]


def parsed(body: bytes) -> etree._Element:
    """The order in a request."""
    order = find(etree.fromstring(body), "dat:dataPackItem/ord:order")
    assert order is not None
    return order


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=60)
@given(order=ORDERS)
def test_any_order_gives_a_request_that_the_vendor_s_schema_takes(
    request_schema: etree.XMLSchema, variant: dict[str, str], order: OrderDocument
) -> None:
    given_settings = {"url": "http://p.example.com", "ico": "1", "other_vat_rates": "percent"}
    body = write_order(order, parse_settings({**given_settings, **variant}))
    document = etree.fromstring(body)
    assert request_schema.validate(document), str(request_schema.error_log)
    charset = "utf-8" if "encoding" in variant else "cp1250"
    assert body.decode(charset).encode(charset) == body
    assert b"&#" not in body.replace(b"&#13;", b"")


@settings(max_examples=30)
@given(order=ORDERS)
def test_the_same_order_gives_the_same_bytes(order: OrderDocument) -> None:
    connection = parse_settings({"url": "http://p.example.com", "ico": "1"})
    again = replace(order, lines=tuple(replace(line) for line in order.lines))
    assert write_order(order, connection) == write_order(again, connection)


def test_what_the_order_says(order: OrderDocument, make_settings: MakeSettings) -> None:
    body = write_order(order, make_settings(number_series="2621", carriers="PPL = PPL CZ"))
    assert body.startswith(b'<?xml version="1.0" encoding="Windows-1250"?>\n<dat:dataPack ')
    pack = etree.fromstring(body)
    assert {str(name): str(text) for name, text in pack.attrib.items()} == {
        "version": "2.0",
        "id": "eshop1:100200143:1",
        "ico": "12345678",
        "application": "Spojka",
        "note": "Order 100200143",
    }
    header = find(parsed(body), "ord:orderHeader")
    assert header is not None
    said = {
        path: text_at(header, path)
        for path in (
            "ord:extId/typ:ids",
            "ord:extId/typ:exSystemName",
            "ord:orderType",
            "ord:number/typ:ids",
            "ord:numberOrder",
            "ord:date",
            "ord:text",
            "ord:partnerIdentity/typ:address/typ:company",
            "ord:partnerIdentity/typ:shipToAddress/typ:city",
            "ord:paymentType/typ:paymentType",
            "ord:isReserved",
            "ord:note",
            "ord:carrier/typ:ids",
        )
    }
    assert list(said.values()) == [
        "eshop1:100200143:1",
        "spojka",
        "receivedOrder",
        "2621",
        "100200143",
        "2026-01-15",
        "Objednávka 100200143 (eshop1)",
        "Odběratel s.r.o.",
        "Praha",
        "delivery",
        "true",
        "Prosím zavolat předem.",
        "PPL CZ",
    ]
    goods, shipping = parsed(body).iterfind(".//{*}orderItem")
    assert text_at(goods, "ord:stockItem/typ:store/typ:ids") == "HLAVNI"
    assert text_at(goods, "ord:stockItem/typ:stockItem/typ:ids") == "Z220"
    assert text_at(goods, "ord:homeCurrency/typ:unitPrice") == "2381.28"
    assert (text_at(goods, "ord:payVAT"), text_at(goods, "ord:rateVAT")) == ("true", "high")
    assert find(shipping, "ord:stockItem") is None
    assert text_at(parsed(body), "ord:orderSummary/ord:roundingDocument") == "none"


def test_a_foreign_currency(order: OrderDocument, make_settings: MakeSettings) -> None:
    body = write_order(replace(order, currency="EUR"), make_settings(rounding="math2one"))
    summary = find(parsed(body), "ord:orderSummary")
    assert summary is not None
    assert text_at(summary, "ord:foreignCurrency/typ:currency/typ:ids") == "EUR"
    assert text_at(summary, "ord:roundingDocument") == "none"
    assert b"homeCurrency" not in body


@pytest.mark.parametrize(
    ("change", "link"),
    [
        ({}, ("", "HLAVNI", "Z220", "")),
        ({"warehouse": ""}, ("", "POBOCKA", "Z220", "")),
        ({"product_number": "", "ean": "8591234567897"}, ("", "HLAVNI", "", "8591234567897")),
        ({"product_number": "", "card_id": "132"}, ("132", "HLAVNI", "", "")),
    ],
)
def test_how_a_line_names_its_card(
    order: OrderDocument,
    make_settings: MakeSettings,
    change: dict[str, Any],
    link: tuple[str, str, str, str],
) -> None:
    line = replace(order.lines[0], **change)
    body = write_order(replace(order, lines=(line,)), make_settings(default_store="POBOCKA"))
    item = find(parsed(body), "ord:orderDetail/ord:orderItem/ord:stockItem")
    assert item is not None
    assert link == (
        text_at(item, "typ:stockItem/typ:id"),
        text_at(item, "typ:store/typ:ids"),
        text_at(item, "typ:stockItem/typ:ids"),
        text_at(item, "typ:stockItem/typ:EAN"),
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"product_number": ""}, "names no card"),
        ({"product_number": "Ж1"}, "windows-1250"),
        ({"product_number": "x" * 65}, "longer than 64"),
        ({"warehouse": "s" * 20}, "longer than 19"),
        ({"vat_rate": Decimal(15)}, "15 %"),
    ],
)
def test_a_line_that_cannot_be_sent_is_named(
    order: OrderDocument, make_settings: MakeSettings, change: dict[str, Any], words: str
) -> None:
    line = replace(order.lines[0], **change)
    with pytest.raises(Refused, match=words) as raised:
        write_order(replace(order, lines=(order.lines[1], line)), make_settings())
    assert raised.value.line_ids == ("a",)
    assert raised.value.advice


@pytest.mark.parametrize(
    ("edition", "rate", "expected"),
    [
        ("cz", "21", ("high", "")),
        ("cz", "12.00", ("low", "")),
        ("cz", "0", ("none", "")),
        ("cz", "10", ("historyHigh", "10")),
        ("sk", "23", ("high", "")),
        ("sk", "19", ("low", "")),
        ("sk", "5", ("third", "")),
        ("sk", None, ("low", "")),
    ],
)
def test_vat_rates(
    order: OrderDocument,
    make_settings: MakeSettings,
    edition: str,
    rate: str | None,
    expected: tuple[str, str],
) -> None:
    line = replace(order.lines[1], vat_rate=Decimal(rate) if rate else None)
    connection = make_settings(edition=edition, other_vat_rates="percent", default_vat="low")
    item = find(
        parsed(write_order(replace(order, lines=(line,)), connection)),
        "ord:orderDetail/ord:orderItem",
    )
    assert item is not None
    assert (text_at(item, "ord:rateVAT"), text_at(item, "ord:percentVAT")) == expected


@pytest.mark.parametrize(
    ("method", "name", "path", "expected"),
    [
        (PaymentMethod.GATEWAY, "GoPay", "typ:paymentType", "creditcard"),
        (PaymentMethod.BANK_TRANSFER, "", "typ:paymentType", "draft"),
        (PaymentMethod.GATEWAY, "paypal", "typ:ids", "PayPal CZ"),
        (PaymentMethod.CASH, "pokladna", "typ:paymentType", "cheque"),
    ],
)
def test_payment_types(
    order: OrderDocument,
    make_settings: MakeSettings,
    method: PaymentMethod,
    name: str,
    path: str,
    expected: str,
) -> None:
    connection = make_settings(payment_types="PayPal = PayPal CZ\ncash = cheque")
    document = replace(order, payment_method=method, payment_method_name=name)
    header = find(parsed(write_order(document, connection)), "ord:orderHeader")
    assert header is not None
    assert text_at(header, f"ord:paymentType/{path}") == expected


@pytest.mark.parametrize(
    ("document_reserves", "connection", "expected"),
    [(True, "true", "true"), (True, "false", "false"), (False, "true", "false")],
)
def test_reservation(
    order: OrderDocument,
    make_settings: MakeSettings,
    document_reserves: bool,
    connection: str,
    expected: str,
) -> None:
    body = write_order(replace(order, reserve=document_reserves), make_settings(reserve=connection))
    assert text_at(parsed(body), "ord:orderHeader/ord:isReserved") == expected


def test_nothing_that_is_cut_is_lost(order: OrderDocument, make_settings: MakeSettings) -> None:
    long_name = "Jan " + "Novák " * 20
    billing = replace(order.billing, name=long_name, email="a" * 95 + "@b.cz")
    shipping = replace(order.billing, name="Олена", phone="+420 " + "1" * 40)
    body = write_order(replace(order, billing=billing, shipping=shipping), make_settings())
    header = find(parsed(body), "ord:orderHeader")
    assert header is not None
    note = text_at(header, "ord:intNote")
    assert f"name: {long_name.strip()}" in note
    assert f"e-mail: {billing.email}" in note
    assert f"phone: {shipping.phone}" in note
    assert text_at(header, "ord:partnerIdentity/typ:shipToAddress/typ:name") == "Olena"
    assert find(header, "ord:partnerIdentity/typ:address/typ:email") is None


def test_dates_are_the_order_s_own(order: OrderDocument, make_settings: MakeSettings) -> None:
    body = write_order(replace(order, order_date=date(2024, 2, 29)), make_settings())
    assert text_at(parsed(body), "ord:orderHeader/ord:date") == "2024-02-29"
