"""All items arrive from the warehouse and fan out to both shops."""

import time
from typing import Final

from sandbox.demo.expectations import DEADLINE_SECONDS, eventually, expect
from sandbox.demo.narrator import seconds
from sandbox.demo.stage import Stage, market_id
from spojka.api.stock.v1 import warehouse_service_pb2 as api

TITLE: Final = "500 items in two stores fan out to two shops"


async def tell(stage: Stage) -> None:
    """Activate the connection and compare every listing with the warehouse's own ledger."""
    narrator = stage.narrator
    cards = [card for card in await stage.warehouse.cards() if card.has_stock]
    stores = sorted({card.store for card in cards})
    expected = await stage.expected_shelf()
    narrator.say(
        f"{len(cards)} stock cards in the stores {' and '.join(stores)} make {len(expected)} "
        "items. The e-shop is told by a gRPC stream, the marketplace reads the Kafka topic."
    )
    started = time.monotonic()
    stage.connection = await stage.office.activate(stage.connection.id)
    async with narrator.step("every listing of the e-shop shows what the warehouse has"):
        await stage.eshop.shelf.until_all_show(expected, within_seconds=DEADLINE_SECONDS)
        eshop_seconds = time.monotonic() - started
    async with narrator.step("so does every listing of the marketplace"):
        wanted = {market_id(code): quantity for code, quantity in expected.items()}
        await stage.market.shelf.until_all_show(wanted, within_seconds=DEADLINE_SECONDS)
        market_seconds = time.monotonic() - started
    async with narrator.step("every listing is linked to its item"):
        coverage = await stage.office.coverage()
        linked = {channel.channel_id: (channel.linked, channel.listings) for channel in coverage}
        wanted_links = dict.fromkeys(linked, (len(expected), len(expected)))
        expect(linked == wanted_links, f"links {wanted_links}", linked)
    async with narrator.step("the reading has ended"):
        await _until_active(stage)
    readings = await stage.warehouse.requests("stock_list")
    narrator.say(
        f"From the click to the last of {2 * len(expected)} listings: {seconds(eshop_seconds)} "
        f"(e-shop) and {seconds(market_seconds)} (marketplace), with {len(readings)} requests to "
        "the mServer."
    )


async def _until_active(stage: Stage) -> None:
    async def look() -> api.Connection:
        return await stage.office.connection(stage.connection.id)

    stage.connection = await eventually(
        look,
        lambda seen: seen.state == api.CONNECTION_STATE_ACTIVE and not seen.problem,
        "an active connection without a problem",
    )
