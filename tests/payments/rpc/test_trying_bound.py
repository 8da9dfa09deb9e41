"""Which payments a dry run need not read: those whose ids are older than what is tried."""

from datetime import UTC, datetime, timedelta

from payments.trying import first_id
from spojka.outbox import new_id


def test_ids_are_bounded_by_the_time_of_their_making() -> None:
    before = datetime.now(UTC)
    payment_id = new_id()
    after = datetime.now(UTC)
    millisecond = timedelta(milliseconds=1)
    assert first_id(before - millisecond) < payment_id < first_id(after + 2 * millisecond)


def test_a_time_before_all_ids_bounds_nothing() -> None:
    assert first_id(datetime(1969, 1, 1, tzinfo=UTC)).int == 0
