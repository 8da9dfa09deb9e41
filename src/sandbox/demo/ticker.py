"""Prints what changes in the shops while the demo stays up."""

import asyncio
from collections.abc import Mapping
from typing import Final

from sandbox.demo.narrator import Narrator
from sandbox.shops import Shop

INTERVAL_SECONDS: Final = 0.2
LISTINGS_SHOWN_MAX: Final = 5


async def tick(narrator: Narrator, shops: tuple[Shop, ...]) -> None:
    """Look at the shelves again and again, without end."""
    known = [dict(shop.shelf.figures) for shop in shops]
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        for place, shop in enumerate(shops):
            now = dict(shop.shelf.figures)
            if now != known[place]:
                narrator.say(f"{shop.name}: {_told(shop, known[place], now)}")
                known[place] = now


def _told(shop: Shop, before: Mapping[str, int], now: Mapping[str, int]) -> str:
    changed = [
        f"{shop.listings[listing_id].name} {before.get(listing_id, '–')} → {quantity}"
        for listing_id, quantity in now.items()
        if before.get(listing_id) != quantity
    ]
    more = len(changed) - LISTINGS_SHOWN_MAX
    return ", ".join(changed[:LISTINGS_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
