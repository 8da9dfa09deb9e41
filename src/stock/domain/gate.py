"""The mass-change gate: a reading that would zero too much waits for a person (DESIGN §4)."""

from dataclasses import dataclass
from typing import Final

LEAST_ZEROED: Final = 10
"""Fewer cards than this are never a mass change: a small catalogue sells out."""


@dataclass(frozen=True, slots=True)
class Gate:
    """The limit, in percent of the cards that have stock."""

    limit_percent: int

    def holds(self, zeroed: int, stocked: int) -> bool:
        """Whether a reading that zeroes `zeroed` of `stocked` cards must wait."""
        return zeroed >= LEAST_ZEROED and zeroed * 100 > stocked * self.limit_percent
