"""Readings of a merchant's whole catalogue, applied as the worker applies them.

Measured: `Reading` from its beginning to its end (numbers drawn, pages of the
connector's default size compared and applied, holds asked for, events in the
outbox, the gate), on a catalogue of goods in one store, so that every card is
an item of its own and every change an event of its own. Cards were parsed
beforehand: parsing is another row.

Ceilings, in the same pages and transactions on copies of the same tables:
COPY into a temporary table and merge, with the very rows that the service
wrote (a merge writes them again though they are there); and for a reading that
changes nothing, the upsert that is guarded by what it would change. "The same
rows" are all that a reading must leave behind: levels, the items' published
state, movements and the outbox; the line with levels and outbox alone is there
for information.
"""

import time
from itertools import count as count_up
from statistics import median
from typing import Final

from bench.goods import Merchant, catalogue, connect_merchant, moved
from bench.measure import alternate
from bench.plain_sql import (
    by_column,
    copy_and_merge,
    copy_tables,
    guarded_upsert,
    tidy,
    what_was_written,
)
from bench.result import Result, rate_against
from bench.stage import Stage
from stock.warehouses.port import Card

CARDS: Final = 100_000
QUICK_CARDS: Final = 10_000
ROUNDS: Final = 3
EVERYTHING: Final = ("level", "item", "movement", "outbox")
BAREST: Final = ("level", "outbox")


async def changed(stage: Stage) -> list[Result]:
    """Every card has another quantity: levels, items, movements and events are written."""
    count = QUICK_CARDS if stage.quick else CARDS
    merchant, cards = await _connected(stage, count)
    plain = await stage.plain("stock")
    await copy_tables(plain)
    await tidy(plain, "stock")
    await merchant.read(moved(cards, 1))
    written = await what_was_written(plain)
    units = count_up(2)

    async def ours() -> float:
        news = moved(cards, next(units))
        await tidy(plain, "stock")
        start = time.perf_counter()
        reading = await merchant.read(news)
        assert reading.changed == count
        return count / (time.perf_counter() - start)

    async def everything() -> float:
        await tidy(plain, "plain")
        return count / await copy_and_merge(plain, written, EVERYTHING)

    async def barest() -> float:
        await tidy(plain, "plain")
        return count / await copy_and_merge(plain, written, BAREST)

    pair = await alternate(ours, everything, ROUNDS)
    least = [await barest() for _ in range(ROUNDS)]
    what = f"stock reading applied, all of {count:,} cards changed"
    return [
        rate_against(what, "cards/s", pair.figure, pair.limit, at_least=0.6),
        rate_against(
            "— the same without items and movements in the ceiling",
            "cards/s",
            pair.figure,
            median(least),
            at_least=None,
        ),
    ]


async def unchanged(stage: Stage) -> list[Result]:
    """No card has changed: nothing but the coverage is written."""
    count = QUICK_CARDS if stage.quick else CARDS
    merchant, cards = await _connected(stage, count)
    plain = await stage.plain("stock")
    await copy_tables(plain)
    await tidy(plain, "stock")
    pages = by_column(await what_was_written(plain))

    async def ours() -> float:
        start = time.perf_counter()
        reading = await merchant.read(cards)
        assert reading.changed == 0
        return count / (time.perf_counter() - start)

    async def ceiling() -> float:
        return count / await guarded_upsert(plain, pages)

    pair = await alternate(ours, ceiling, ROUNDS)
    what = f"stock reading applied, none of {count:,} cards changed"
    return [rate_against(what, "cards/s", pair.figure, pair.limit, at_least=0.6)]


async def _connected(stage: Stage, count: int) -> tuple[Merchant, list[Card]]:
    merchant = await connect_merchant(await stage.database("stock"))
    cards = catalogue(count)
    await merchant.read(cards)
    return merchant, cards
