"""What the tests of the Pohoda connector share: the vendor's schemas, an order, a stand-in."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from sandbox.pohoda import goods
from sandbox.pohoda.goods import CardEntry
from sandbox.pohoda.server import Running, running
from spojka.outbound import OutboundPolicy
from stock.warehouses.pohoda import POHODA
from stock.warehouses.pohoda.settings import PohodaSettings, parse_settings
from stock.warehouses.port import (
    LineKind,
    OrderDocument,
    OrderLine,
    Party,
    PaymentMethod,
    WarehouseClient,
)

GIVEN = {"url": "http://pohoda.example.com:444", "ico": "12345678", "default_store": "HLAVNI"}
CREDENTIALS = {"username": "api", "password": "api"}
LOCAL = OutboundPolicy(allow_private=True)

ORDER = OrderDocument(
    external_id="eshop1:100200143:1",
    number="100200143",
    order_date=date(2026, 1, 15),
    currency="CZK",
    prices_include_vat=True,
    billing=Party(
        name="Jana Nováková",
        company="Odběratel s.r.o.",
        street="Dlouhá 12",
        city="Brno",
        postal_code="60200",
        country="CZ",
        company_id="87654321",
        tax_id="CZ87654321",
        email="jana@example.com",
        phone="+420600000000",
    ),
    shipping=Party(name="Jana Nováková", street="Krátká 3", city="Praha", country="CZ"),
    lines=(
        OrderLine(
            line_id="a",
            kind=LineKind.GOODS,
            text="Židle Z220",
            quantity=Decimal(2),
            unit="ks",
            unit_price=Decimal("2381.28"),
            vat_rate=Decimal(21),
            product_number="Z220",
            warehouse="HLAVNI",
        ),
        OrderLine(
            line_id="b",
            kind=LineKind.SHIPPING,
            text="Doprava PPL",
            quantity=Decimal(1),
            unit="",
            unit_price=Decimal(99),
            vat_rate=Decimal(21),
        ),
    ),
    payment_method=PaymentMethod.CASH_ON_DELIVERY,
    payment_method_name="Dobírka",
    shipping_method="PPL",
    note="Prosím zavolat předem.",
    channel="eshop1",
    reserve=True,
)


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """The folder with the vendor's schemas and documents."""
    folder = os.environ.get("SPOJKA_REFERENCE_DIR")
    if not folder:
        pytest.skip(
            "SPOJKA_REFERENCE_DIR is not set: NOT checked against the vendor's schemas and "
            "reference documents"
        )
    return Path(folder) / "pohoda"


@pytest.fixture(scope="session")
def request_schema(reference_dir: Path) -> etree.XMLSchema:
    """The vendor's schema of requests."""
    return etree.XMLSchema(etree.parse(str(reference_dir / "xsd" / "data.xsd")))


@pytest.fixture
def order() -> OrderDocument:
    """An order of one card and shipping."""
    return ORDER


@pytest.fixture
def make_settings() -> Callable[..., PohodaSettings]:
    """Settings with some of them changed."""

    def make(**changes: str) -> PohodaSettings:
        return parse_settings({**GIVEN, **changes})

    return make


@dataclass(slots=True)
class StandIn:
    """A running stand-in and ways to use it."""

    running: Running
    clients: list[WarehouseClient]

    def open(
        self,
        settings: Mapping[str, str] | None = None,
        credentials: Mapping[str, str] | None = None,
    ) -> WarehouseClient:
        """A client of the connector; closed when the test ends."""
        client = POHODA.open(
            {**GIVEN, "url": self.running.url, **(settings or {})},
            {**CREDENTIALS, **(credentials or {})},
            LOCAL,
        )
        self.clients.append(client)
        return client

    def put(self, **card: Any) -> None:
        """Put a card into the company."""
        goods.put_card(self.running.installation.company, CardEntry(**card))

    def behave(self, **settings: Any) -> None:
        """Change how the installation behaves."""
        installation = self.running.installation
        installation.change_settings(replace(installation.settings, **settings))

    @property
    def order_count(self) -> int:
        """How many orders the company has."""
        return len(self.running.installation.company.orders)


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    """A company with two stores and the card Z220 in both, served by its mServer."""
    folder = os.environ.get("SPOJKA_REFERENCE_DIR")
    async with running(reference_dir=Path(folder) if folder else None) as server:
        result = StandIn(server, [])
        result.put(
            store="HLAVNI", code="Z220", name="Židle", count=Decimal(25), ean="8591234567897"
        )
        result.put(store="POBOCKA", code="Z220", name="Židle", count=Decimal(4))
        result.put(store="HLAVNI", code="KONF11", name="Stůl", count=Decimal(3), branch="Stoly")
        yield result
        for client in result.clients:
            await client.close()
