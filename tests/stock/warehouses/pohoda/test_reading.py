"""Readings in pages, Pohoda's time, cursors."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock.warehouses.errors import Unreadable
from stock.warehouses.pohoda.probing import ProbeCursor
from stock.warehouses.pohoda.reading import Position
from stock.warehouses.pohoda.server_time import look_back
from stock.warehouses.pohoda.settings import PohodaSettings
from stock.warehouses.pohoda.stock_answer import ListTotals

PRAGUE = ZoneInfo("Europe/Prague")
MakeSettings = Callable[..., PohodaSettings]


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-01-15T10:00:07", "2026-01-15T09:58:07"),
        ("2026-03-29T04:30:00", "2026-03-29T03:28:00"),  # an hour was skipped at two
        ("2026-10-25T02:10:00", "2026-10-25T01:08:00"),  # an hour is repeated from three
        ("2026-10-25T12:00:00", "2026-10-25T11:58:00"),
    ],
)
def test_looking_back(stamp: str, expected: str) -> None:
    assert look_back(stamp, 120, PRAGUE) == expected


@given(
    st.integers(0, 10 * 365 * 86_400).map(
        lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    st.integers(0, 3 * 3600),
)
def test_no_change_after_a_reading_is_before_where_the_next_one_looks(
    read_at: datetime, later_seconds: int
) -> None:
    def on_the_wall(moment: datetime) -> str:
        local = moment.astimezone(PRAGUE).replace(tzinfo=None)
        return local.isoformat()

    changed = read_at + timedelta(seconds=later_seconds)
    assert look_back(on_the_wall(read_at), 60, PRAGUE) <= on_the_wall(changed)


def test_a_stamp_that_is_no_time() -> None:
    with pytest.raises(Unreadable, match="yesterday"):
        look_back("yesterday", 120, PRAGUE)


def test_a_full_page_is_followed_from_behind_its_highest_id(make_settings: MakeSettings) -> None:
    connection = make_settings(page_records="2")
    start = Position.start(["A", "B"])
    first = start.after(start.page(1), {"s0": ListTotals(2, 40)}, "2026-01-15T10:00:00", connection)
    assert first.todo == (("A", 41), ("B", 1))
    second = first.after(
        first.page(1), {"s0": ListTotals(1, 50)}, "2026-01-15T10:05:00", connection
    )
    assert second.todo == (("B", 1),)
    last = second.after(second.page(1), {}, None, connection)
    assert last.todo == ()
    assert last.started == "2026-01-15T10:00:00", "the cursor is the beginning of the reading"


def test_several_stores_at_once(make_settings: MakeSettings) -> None:
    start = Position.start(["A", "B"])
    totals = {"s0": ListTotals(1, 5), "s1": ListTotals(2, 9)}
    after = start.after(start.page(9), totals, None, make_settings(page_records="2"))
    assert after.todo == (("B", 10),)


def test_without_paging_one_answer_is_all(make_settings: MakeSettings) -> None:
    start = Position.start([])
    connection = make_settings(paging="none", page_records="1")
    assert start.after(start.page(1), {"s0": ListTotals(9, 9)}, None, connection).todo == ()


def test_an_answer_that_does_not_move_on_stops_the_reading(make_settings: MakeSettings) -> None:
    position = Position((("A", 100),), "t")
    with pytest.raises(Unreadable, match="paging to none"):
        position.after(
            position.page(1), {"s0": ListTotals(2, 40)}, None, make_settings(page_records="2")
        )


@given(
    st.lists(st.tuples(st.text(max_size=19), st.integers(1, 10**12))),
    st.none() | st.text(),
)
def test_positions_survive_their_text(todo: list[tuple[str, int]], started: str | None) -> None:
    position = Position(tuple(todo), started)
    assert Position.decode(position.encode()) == position


@given(st.text(), st.none() | st.integers(1))
def test_probe_cursors_survive_their_text(stamp: str, movement_id: int | None) -> None:
    cursor = ProbeCursor(stamp, movement_id)
    assert ProbeCursor.decode(cursor.encode()) == cursor


def test_a_time_that_can_be_no_cursor_is_refused(make_settings: MakeSettings) -> None:
    start = Position.start([])
    with pytest.raises(Unreadable, match="soon"):
        start.after(start.page(1), {}, "soon", make_settings())
