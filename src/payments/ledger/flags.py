"""A payment's flags: doubts of its verdict, and what mails have told of it since.

The verdict is made anew again and again; what the bank said stays.
"""

from collections.abc import Iterable
from typing import Final

_TOLD: Final = "A mail says that "


def taken_back_flag(value_date: str) -> str:
    """The bank may have taken the money back."""
    return f"{_TOLD}the bank may have taken this money back on {value_date}."


def told_flags(flags: Iterable[str]) -> list[str]:
    """Those flags that a mail told."""
    return [flag for flag in flags if flag.startswith(_TOLD)]
