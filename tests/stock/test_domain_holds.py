"""Holds: they add up, and stop counting only for what documents and levels prove."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from stock.domain.holds import Hold, HoldState, NettedAt, absorbed_part

ZERO = Decimal(0)
quantities = st.integers(0, 9).map(Decimal)
numbers = st.integers(1, 30)
read_backs = st.lists(
    st.builds(NettedAt, numbers, quantities), max_size=8, unique_by=lambda entry: entry.number
)
barriers = st.integers(0, 30)
confirmations = st.none() | st.integers(1, 31)


@given(st.lists(st.tuples(st.sampled_from(["want", "absorb"]), quantities), max_size=20))
def test_created_is_live_and_absorbed_and_released(steps: list[tuple[str, Decimal]]) -> None:
    hold = Hold("o", "1", "i", "MAIN", ZERO, ZERO)
    grown = ZERO
    for name, quantity in steps:
        before = hold
        hold = hold.want(quantity) if name == "want" else hold.absorb(quantity)
        assert hold.created == hold.live + hold.absorbed + hold.released
        assert min(hold.live, hold.absorbed, hold.released) >= 0
        if name == "want":
            # An increase holds the difference and nothing more.
            grown += max(ZERO, quantity - before.wanted)
            assert hold.wanted == quantity
            assert hold.live - before.live <= max(ZERO, quantity - before.wanted)
        assert hold.created == grown


@given(quantities, quantities, st.sampled_from(["local", "sent", "unknown", "acked", "blocked"]))
def test_a_hold_is_shown_as_what_it_is(wanted: Decimal, absorbed: Decimal, state: str) -> None:
    hold = Hold("o", "1", "i", None, ZERO, ZERO).want(wanted).absorb(absorbed)
    shown = hold.state(state)
    assert (shown is HoldState.RELEASED) is (wanted == 0)
    assert (shown is HoldState.ABSORBED) is (wanted > 0 and hold.live == 0)
    if hold.live:
        assert shown == ("local" if state == "blocked" else state)


@given(read_backs, confirmations, barriers, st.data())
def test_the_order_in_which_read_backs_arrive_does_not_matter(
    entries: list[NettedAt], confirmed: int | None, barrier: int, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(entries))
    assert absorbed_part(shuffled, confirmed, barrier) == absorbed_part(entries, confirmed, barrier)


@given(read_backs, st.integers(1, 31), st.integers(1, 31), barriers)
def test_a_later_level_absorbs_no_less_of_what_stays_netted(
    entries: list[NettedAt], one: int, other: int, barrier: int
) -> None:
    # A read-back that a level passes can only lift the limit that it set.
    first, second = sorted((one, other))
    assert absorbed_part(entries, first, barrier) <= absorbed_part(entries, second, barrier)


@given(read_backs, barriers)
def test_nothing_is_absorbed_before_a_level_comes_after_a_read_back(
    entries: list[NettedAt], barrier: int
) -> None:
    assert absorbed_part(entries, None, barrier) == 0
    earliest = min((entry.number for entry in entries if entry.number > barrier), default=31)
    assert absorbed_part(entries, earliest, barrier) == 0


@given(read_backs, st.integers(1, 31), barriers)
def test_what_was_read_before_our_last_write_is_void(
    entries: list[NettedAt], confirmed: int, barrier: int
) -> None:
    later = [entry for entry in entries if entry.number > barrier]
    assert absorbed_part(entries, confirmed, barrier) == absorbed_part(later, confirmed, 0)


@given(read_backs, st.integers(1, 31), barriers)
def test_no_more_is_absorbed_than_every_read_back_since_shows(
    entries: list[NettedAt], confirmed: int, barrier: int
) -> None:
    absorbed = absorbed_part(entries, confirmed, barrier)
    for entry in entries:
        if entry.number >= confirmed and entry.number > barrier:
            assert absorbed <= entry.netted


def test_a_reservation_taken_away_and_given_back_waits_for_another_level() -> None:
    told = [NettedAt(5, Decimal(2)), NettedAt(7, ZERO), NettedAt(9, Decimal(2))]
    # The level of request 6 may have been read while the order was not reserved.
    assert absorbed_part(told, 6, 0) == 0
    assert absorbed_part(told, 10, 0) == 2
