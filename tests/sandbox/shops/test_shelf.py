"""What a shop shows, and waiting for it."""

import asyncio
from decimal import Decimal

import pytest

from sandbox.shops import NotShown, Shelf


def _told(*figures: str) -> Shelf:
    shelf = Shelf(["chair", "table"])
    for revision, figure in enumerate(figures, 1):
        shelf.tell("chair", Decimal(figure), (0, revision))
    return shelf


async def test_shows_nothing_before_it_was_told() -> None:
    shelf = _told()
    assert shelf.shown("chair") is None
    shelf.sell("chair", Decimal(1))
    assert shelf.figures == {}


async def test_shows_whole_pieces_and_never_fewer_than_none() -> None:
    assert _told("12.5").shown("chair") == 12
    assert _told("-3").shown("chair") == 0


async def test_a_sale_is_shown_at_once_and_counted_once() -> None:
    shelf = _told("10")
    shelf.sell("chair", Decimal(4))
    assert shelf.shown("chair") == 6
    shelf.tell("chair", Decimal(6), (0, 2))
    assert [shown.quantity for shown in shelf.history("chair")] == [10, 6]


async def test_an_older_figure_changes_nothing() -> None:
    shelf = _told("10", "7")
    shelf.tell("chair", Decimal(10), (0, 1))
    assert shelf.shown("chair") == 7


async def test_an_epoch_compares_before_the_revision() -> None:
    shelf = _told("10", "7")
    shelf.tell("chair", Decimal(9), (1, 1))
    assert shelf.shown("chair") == 9


async def test_the_same_version_again_keeps_what_was_sold_since() -> None:
    shelf = _told("10")
    shelf.sell("chair", Decimal(4))
    shelf.tell("chair", Decimal(10), (0, 1))
    assert shelf.shown("chair") == 6


async def test_waiting_ends_when_it_shows() -> None:
    shelf = _told("10")
    waiting = asyncio.create_task(shelf.until_shows("chair", 3, within_seconds=5))
    await asyncio.sleep(0)
    shelf.tell("chair", Decimal(3), (0, 2))
    assert await waiting == shelf.history("chair")[-1].at


async def test_waiting_in_vain_says_what_is_shown_instead() -> None:
    shelf = _told("10")
    with pytest.raises(NotShown, match=r"chair shows 3: not within 0\.01 s; it shows 10"):
        await shelf.until_shows("chair", 3, within_seconds=0.01)
    with pytest.raises(NotShown, match="2 differ: chair shows 10, not None; table shows None"):
        await shelf.until_all_show({"table": 4}, within_seconds=0.01)


async def test_whoever_waits_is_told_when_no_news_will_come() -> None:
    shelf = _told("10")
    waiting = asyncio.create_task(shelf.until_shows("chair", 3, within_seconds=5))
    await asyncio.sleep(0)
    shelf.fail(RuntimeError("the broker is gone"))
    with pytest.raises(NotShown, match="the broker is gone"):
        await waiting
