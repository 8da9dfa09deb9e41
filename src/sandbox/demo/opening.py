"""Builds the stage: a merchant of its own, a warehouse with goods, two shops."""

import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from sandbox.banks import Street, running
from sandbox.demo import accounts
from sandbox.demo.expectations import expect
from sandbox.demo.narrator import Narrator
from sandbox.demo.office import Office
from sandbox.demo.stage import Product, Stage, market_id
from sandbox.demo.treasury import Treasury
from sandbox.demo.warehouse import Card, controlled
from sandbox.shops import EdgeClient, GrpcShop, KafkaShop, Listing
from sandbox.shops.edge import connected
from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.demonstration import StoryFailed
from spojka.probe import http_lacks
from spojka.servers.ports import choose_port
from spojka.supervisor import Child
from spojka.topics import Topic
from spojka.up import Installation
from spojka.values import gtin_key

GOODS: Final = 500
SEED_ITEMS: Final = 509
"""Of so many seeded items 500 are goods; the others are services and texts."""
ESHOP: Final = "eshop"
MARKET: Final = "market"
PARTNER_STOP_GROUP: Final = 5
"""The stand-in starts after the edge and stops before it."""
PLENTY: Final = 30
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
REFERENCE_VARIABLE: Final = "SPOJKA_REFERENCE_DIR"
PASSED_ON: Final = ("PATH", "HOME", "LANG", "PYTHONPATH", REFERENCE_VARIABLE)


@asynccontextmanager
async def opened(installation: Installation, narrator: Narrator) -> AsyncIterator[Stage]:
    """Build the stage for the time of a block. Raises StoryFailed."""
    if installation.admin_key is None:
        raise StoryFailed(
            "The demo needs the admin key of the installation, and the database holds one that is "
            "not known here: name another database, or put the key into admin.key of the data "
            "directory."
        )
    async with AsyncExitStack() as stack:
        async with narrator.step("a merchant of its own, and a stand-in for its warehouse"):
            admin = await stack.enter_async_context(
                connected(installation.edge.grpc_address, installation.admin_key)
            )
            await accounts.retire_former(admin)
            warehouse = await stack.enter_async_context(
                controlled(await _start_warehouse(installation))
            )
            name = f"{accounts.TENANT_PREFIX}{datetime.now(UTC):%Y%m%d-%H%M%S}"
            tenant = await accounts.create_tenant(admin, name, "Demo s.r.o.")
            key = await accounts.operator_key(admin.acting_as(admin.key, name))
            office = Office(admin.acting_as(key))
            await office.create_channel(ESHOP, "E-shop")
            await office.create_channel(MARKET, "Marketplace")
            cards = [card for card in await warehouse.cards() if card.has_stock]
            products = _products(cards)
            expect(len(products) == GOODS, f"{GOODS} goods in the warehouse", len(products))
        async with narrator.step(f"two shops, each with {GOODS} listings"):
            eshop = GrpcShop(
                "E-shop", ESHOP, await _shop_edge(office.edge, ESHOP), _eshop_listings(products)
            )
            market = KafkaShop(
                "Marketplace",
                MARKET,
                await _shop_edge(office.edge, MARKET),
                _market_listings(products),
                tenant_id=tenant.id,
                topic=Topic.STOCK.full_name(installation.settings.topic_prefix),
                kafka={
                    "bootstrap.servers": installation.settings.required_bootstrap(),
                    **installation.settings.kafka_options,
                },
            )
            await stack.enter_async_context(eshop)
            await stack.enter_async_context(market)
        async with narrator.step("three banks, with a name server that knows them"):
            banks = await stack.enter_async_context(_banks(installation))
        sold, moved = _heroes(products)
        yield Stage(
            narrator=narrator,
            warehouse=warehouse,
            office=office,
            eshop=eshop,
            market=market,
            tenant=name,
            sold=sold,
            moved=moved,
            connection=api.Connection(),
            banks=banks,
            treasury=Treasury(office.edge),
        )


async def _start_warehouse(installation: Installation) -> str:
    data_dir = installation.settings.data_dir
    port = await choose_port("the stand-in mServer", None, data_dir / "ports" / "pohoda.http")
    url = f"http://127.0.0.1:{port}"
    child = Child(
        name="pohoda",
        argv=(
            *(sys.executable, "-m", "sandbox.pohoda"),
            *("--port", str(port), "--seed-items", str(SEED_ITEMS)),
        ),
        env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
        log_path=data_dir / "logs" / "pohoda.log",
        ready=lambda: http_lacks(f"{url}/sandbox/settings"),
        stop_group=PARTNER_STOP_GROUP,
        stop_timeout_s=5.0,
    )
    await installation.supervisor.start([child])
    return url


def _banks(installation: Installation) -> AbstractAsyncContextManager[Street]:
    settings = installation.settings
    ((_, dns_port),) = settings.dns_server_list
    host = "127.0.0.1" if settings.smtp_host in EVERYWHERE else settings.smtp_host
    return running(host, settings.smtp_port, dns_port=dns_port)


async def _shop_edge(operator: EdgeClient, channel_id: str) -> EdgeClient:
    return operator.acting_as(await accounts.channel_key(operator, channel_id))


def _products(cards: Iterable[Card]) -> list[Product]:
    by_code: dict[str, list[Card]] = {}
    for card in cards:
        by_code.setdefault(card.code, []).append(card)
    return [Product(code, cards[0].name, cards) for code, cards in sorted(by_code.items())]


def _eshop_listings(products: Sequence[Product]) -> list[Listing]:
    return [product.cards[0].listing() for product in products]


def _market_listings(products: Sequence[Product]) -> list[Listing]:
    """By EAN where it is one item's alone, as marketplaces want it; else by product number."""
    shared = Counter(gtin_key(product.cards[0].ean) for product in products)
    listings = []
    for product in products:
        listing = replace(product.cards[0].listing(), id=market_id(product.code))
        ean = gtin_key(listing.ean)
        alone = ean is not None and shared[ean] == 1
        listings.append(replace(listing, product_number="") if alone else replace(listing, ean=""))
    return listings


def _heroes(products: Sequence[Product]) -> tuple[Product, Product]:
    """Two items that lie in several stores, in whole pieces, with plenty of each."""
    plenty = [
        product
        for product in products
        if len(product.cards) > 1
        and product.cards[0].ean
        and all(card.free >= PLENTY and card.free % 1 == 0 for card in product.cards)
    ]
    return plenty[0], plenty[1]
