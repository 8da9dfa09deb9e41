"""A reading that would zero too much is held at the gate until a person approves it."""

import time
from typing import Final

from sandbox.demo.expectations import DEADLINE_SECONDS, eventually, expect
from sandbox.demo.narrator import seconds
from sandbox.demo.stage import Stage, market_id
from spojka.api.stock.v1 import warehouse_service_pb2 as api

TITLE: Final = "A mass change waits for a person"
LOST_STORE: Final = "POBOCKA"


async def tell(stage: Stage) -> None:
    """Lose a whole store, see that nothing falls, approve, see that it falls."""
    narrator = stage.narrator
    cards = [card for card in await stage.warehouse.cards() if card.store == LOST_STORE]
    narrator.say(
        f"Somebody deletes all {len(cards)} cards of the store {LOST_STORE} in Pohoda: closed for "
        "good, or a mistake? The next full reading finds them missing."
    )
    for card in cards:
        await stage.warehouse.delete(card)
    before = (dict(stage.eshop.shelf.figures), dict(stage.market.shelf.figures))
    async with narrator.step("the reading is held, and a task asks for a decision"):
        await stage.office.read_all_now(stage.connection.id)
        reading = await eventually(
            lambda: _newest(stage),
            lambda seen: seen.state == api.READING_STATE_HELD,
            "the newest reading to be held",
        )
        tasks = [task for task in await stage.office.tasks() if str(reading.zeroed) in task]
        expect(len(tasks) == 1, "one task that names how much would fall to nothing", tasks)
    narrator.quote(tasks[0])
    async with narrator.step("meanwhile both shops sell on by the last good numbers"):
        now = (dict(stage.eshop.shelf.figures), dict(stage.market.shelf.figures))
        changed = sum(was != is_now for was, is_now in zip(before, now, strict=True))
        expect(now == before, "no listing to change", f"{changed} shops that changed")
    expected = await stage.expected_shelf()
    gone = dict.fromkeys(stage.eshop.listings.keys() - expected.keys(), 0)
    wanted = {**expected, **gone}
    async with narrator.step("it was no mistake: approved, both shops follow"):
        started = time.monotonic()
        await stage.office.approve(reading)
        await stage.eshop.shelf.until_all_show(wanted, within_seconds=DEADLINE_SECONDS)
        at_market = {market_id(code): quantity for code, quantity in wanted.items()}
        await stage.market.shelf.until_all_show(at_market, within_seconds=DEADLINE_SECONDS)
        took = time.monotonic() - started
    fell = sum(wanted[code] < quantity for code, quantity in before[0].items())
    narrator.say(
        f"{reading.zeroed} cards were approved; {fell} listings fell in each shop within "
        f"{seconds(took)}."
    )


async def _newest(stage: Stage) -> api.Reading:
    return (await stage.office.readings(stage.connection.id))[0]
