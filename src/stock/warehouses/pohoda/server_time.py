"""Times as Pohoda's computer tells them: local, without offset, to the second."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from stock.warehouses.pohoda.envelope import not_understood

_ONE_HOUR: Final = timedelta(hours=1)
_AROUND_CHANGE: Final = timedelta(hours=4)


def read_stamp(text: str) -> datetime:
    """Read the time of an answer. Raises Unreadable."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None, microsecond=0)
    except ValueError as error:
        raise not_understood(f"{text!r} is not a time") from error


def look_back(stamp: str, overlap_seconds: int, zone: ZoneInfo) -> str:
    """Where an incremental reading starts, so that nothing between two readings is missed.

    Around a change between summer and winter time the clock of Pohoda's
    computer repeats or skips an hour: one more hour is looked back.
    """
    local = read_stamp(stamp)
    offsets = {
        (local + around).replace(tzinfo=zone).utcoffset()
        for around in (-_AROUND_CHANGE, _AROUND_CHANGE)
    }
    extra = _ONE_HOUR if len(offsets) > 1 else timedelta()
    return (local - timedelta(seconds=overlap_seconds) - extra).isoformat()
