"""Times of orders: those that a shop can mean are kept to the microsecond, others are refused."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from orders.domain.checks import violations
from orders.domain.content import References, Wish
from orders.messages.times import time_of
from spojka.errors import InvalidArgument
from spojka.times import timestamp
from tests.orders.shop import Shop, an_order
from tests.orders.values import NOW, content

LAST_SECOND = 253402300799
"""Of the year 9999, at which the times of messages and of Python end."""
FIRST_SECOND = -62135596800
"""Of the year 1, at which they begin."""


@given(st.datetimes(timezones=st.just(UTC)))
def test_any_time_is_told_as_it_is(time: datetime) -> None:
    """A float has no place for the microseconds of a far year."""
    assert time_of(timestamp(time)) == time


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [
        (LAST_SECOND, 0),
        (LAST_SECOND, 999_999_900),
        (FIRST_SECOND, 0),
        (0, 0),
        (LAST_SECOND + 1, 0),
        (FIRST_SECOND - 1, 0),
        (2**62, 0),
        (0, -1),
    ],
    ids=[
        "the last second of many databases",
        "DateTime.MaxValue of .NET",
        "DateTime.MinValue of .NET, and nothing of Go",
        "nothing of C",
        "after the last",
        "before the first",
        "of no calendar",
        "before its own second",
    ],
)
async def test_a_time_that_no_shop_means_is_refused_by_its_field(
    shop: Shop, seconds: int, nanos: int
) -> None:
    order = an_order(order_time=Timestamp(seconds=seconds, nanos=nanos))
    with pytest.raises(InvalidArgument) as error:
        await shop.place(order)
    assert [each.field for each in error.value.violations] == ["order.order_time"]
    (result,) = await shop.place_many(order)
    assert [each.field for each in result.refusal.fields] == ["order_time"]


@pytest.mark.parametrize(
    ("time", "refused"),
    [
        (NOW + timedelta(days=366), False),
        (NOW + timedelta(days=367), True),
        (datetime(1990, 1, 1, tzinfo=UTC), False),
        (datetime(1989, 12, 31, 23, 59, 59, tzinfo=UTC), True),
    ],
)
def test_the_bounds_of_times(time: datetime, refused: bool) -> None:
    assert bool(violations(Wish(content(), time, References()), NOW)) is refused
