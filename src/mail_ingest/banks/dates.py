"""Dates and times as banks print them, and the date of the mail itself."""

import re
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from mail_ingest.message.mail import Message

DATE: Final = r"[0-9]{1,2}\. ?[0-9]{1,2}\. ?[0-9]{4}"
TIME: Final = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"

_DATE = re.compile(r"([0-9]{1,2})[.\-/] ?([0-9]{1,2})[.\-/] ?([0-9]{4})")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?")
_DATE_TIME = re.compile(rf"({_DATE.pattern})(?:,? (?:(?:v|o|at|ora) )?({_TIME.pattern}))?")
_DATE_HEADER_CHARACTERS_MAX: Final = 100
_zone = cache(ZoneInfo)


def parse_date(text: str) -> date:
    """Read a day-month-year date. Raises ValueError, for days that never were as well."""
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date")
    day, month, year = map(int, match.groups())
    return date(year, month, day)


def parse_time(text: str) -> str:
    """Read a time of day and write it as HH:MM or HH:MM:SS. Raises ValueError."""
    match = _TIME.fullmatch(text.strip())
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:  # noqa: PLR2004 - the clock
        raise ValueError(f"{text!r} is not a time")
    return f"{int(match[1]):02}:{match[2]}" + (f":{match[3]}" if match[3] else "")


def parse_date_time(text: str) -> tuple[date, str | None]:
    """Read a date with the time behind it, where there is one. Raises ValueError."""
    match = _DATE_TIME.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date")
    return parse_date(match[1]), parse_time(match[5]) if match[5] else None


def mail_date(message: Message, receive_time: datetime, zone: str) -> date:
    """Return the local day of the Date header; of the receipt where the header has none."""
    value = (message.header("Date") or "")[:_DATE_HEADER_CHARACTERS_MAX]
    try:
        written = parsedate_to_datetime(value)
        if written.tzinfo is None:
            return written.date()
        return written.astimezone(_zone(zone)).date()
    except (ValueError, TypeError, IndexError, OverflowError):
        return receive_time.astimezone(_zone(zone)).date()
