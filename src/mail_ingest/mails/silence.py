"""When a mailbox that is usually busy has been silent for too long."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

LOOK_BACK: Final = timedelta(days=28)
"""Four weeks, so that weekends and the days around the turn of a month are in it."""

BUSY_MAILS_MIN: Final = 12
BUSY_DAYS_MIN: Final = 6
SILENCE_MIN: Final = timedelta(hours=24)
LONGEST_GAP_FACTOR: Final = 2


def silent_since(times: Sequence[datetime], now: datetime) -> datetime | None:
    """Since when a mailbox has been suspiciously silent; None where it is not.

    `times` are those of its mails within LOOK_BACK of the last, in order. A mailbox is busy
    with BUSY_MAILS_MIN mails on BUSY_DAYS_MIN days; it is silent when nothing
    came for a day and for twice its longest pause, weekends included.
    """
    if len(times) < BUSY_MAILS_MIN or len({time.date() for time in times}) < BUSY_DAYS_MIN:
        return None
    longest = max(later - earlier for earlier, later in pairwise(times))
    pause = now - times[-1]
    return times[-1] if pause > max(SILENCE_MIN, LONGEST_GAP_FACTOR * longest) else None
