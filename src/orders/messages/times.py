"""Times of messages as values (UTC, microseconds); `spojka.times` writes them."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def time_of(message: Timestamp) -> datetime:
    """The time, cut to microseconds. Raises ValueError outside the years 1 to 9999."""
    try:
        whole = datetime.fromtimestamp(message.seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("is outside the years 1 to 9999") from error
    return whole.replace(microsecond=message.nanos // 1000)
