"""What a shop shows of each listing, and waiting for it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from spojka.values import ZERO

HISTORY_MAX: Final = 200
"""How many of its latest figures a listing remembers."""
DIFFERING_NAMED_MAX: Final = 5

Version = tuple[int, int]
"""Epoch and revision of the item that a figure comes from."""


class NotShown(Exception):
    """The shelf did not come to what was waited for; the message says what it shows."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure, and when it came to be shown by the monotonic clock, in seconds."""

    quantity: int
    at: float


class _Place:
    """One listing's place on the shelf."""

    def __init__(self) -> None:
        self.told = ZERO
        self.sold_since = ZERO
        self.version: Version = (0, 0)
        self.history: deque[Shown] = deque(maxlen=HISTORY_MAX)

    def show(self) -> bool:
        quantity = int(max(self.told - self.sold_since, ZERO).to_integral_value(ROUND_FLOOR))
        if self.history and self.history[-1].quantity == quantity:
            return False
        self.history.append(Shown(quantity, time.monotonic()))
        return True


class Shelf:
    """Shows what Spojka told last, less what the shop itself has sold since, in whole pieces.

    A figure that is newer than a sale is taken to count it. Belongs to one
    event loop.
    """

    def __init__(self, listing_ids: Iterable[str]) -> None:
        """Show nothing yet of these listings."""
        self._places = {listing_id: _Place() for listing_id in listing_ids}
        self._changed = asyncio.Event()
        self._trouble: BaseException | None = None

    @property
    def figures(self) -> Mapping[str, int]:
        """What is shown now; listings of which nothing was told yet are left out."""
        return {
            listing_id: place.history[-1].quantity
            for listing_id, place in self._places.items()
            if place.history
        }

    def shown(self, listing_id: str) -> int | None:
        """What is shown of a listing; None before anything was told of it."""
        history = self._places[listing_id].history
        return history[-1].quantity if history else None

    def history(self, listing_id: str) -> tuple[Shown, ...]:
        """What was shown of a listing, oldest first."""
        return tuple(self._places[listing_id].history)

    def tell(self, listing_id: str, quantity: Decimal, version: Version) -> None:
        """Take what Spojka says; what is older than the last word, or unknown here, is ignored."""
        place = self._places.get(listing_id)
        if place is None or version < place.version:
            return
        if version > place.version:
            place.sold_since = ZERO
        place.told, place.version = quantity, version
        self._wake(changed=place.show())

    def sell(self, listing_id: str, quantity: Decimal) -> None:
        """Show fewer at once: these are sold."""
        place = self._places[listing_id]
        place.sold_since += quantity
        self._wake(changed=bool(place.history) and place.show())

    def fail(self, error: BaseException) -> None:
        """Tell whoever waits that no news will come any more."""
        self._trouble = error
        self._wake(changed=True)

    async def until(
        self, condition: Callable[[], bool], what: str, *, within_seconds: float
    ) -> None:
        """Wait until a condition on what is shown holds. Raises NotShown, naming `what`."""
        try:
            async with asyncio.timeout(within_seconds):
                while not condition():
                    if self._trouble is not None:
                        raise NotShown(f"no news comes any more: {self._trouble}")
                    await self._changed.wait()
        except TimeoutError:
            raise NotShown(f"{what}: not within {within_seconds:g} s") from None

    async def until_shows(self, listing_id: str, quantity: int, *, within_seconds: float) -> float:
        """Wait until a listing shows a quantity; returns since when. Raises NotShown."""
        try:
            await self.until(
                lambda: self.shown(listing_id) == quantity,
                f"{listing_id} shows {quantity}",
                within_seconds=within_seconds,
            )
        except NotShown as error:
            raise NotShown(f"{error}; it shows {self.shown(listing_id)}") from error
        return self._places[listing_id].history[-1].at

    async def until_all_show(self, wanted: Mapping[str, int], *, within_seconds: float) -> None:
        """Wait until the shelf shows exactly this. Raises NotShown, naming some that differ."""
        try:
            await self.until(
                lambda: self.figures == wanted,
                f"{len(wanted)} listings as wanted",
                within_seconds=within_seconds,
            )
        except NotShown as error:
            figures = self.figures
            names = sorted(figures.keys() | wanted.keys())
            differing = [
                f"{name} shows {figures.get(name)}, not {wanted.get(name)}"
                for name in names
                if figures.get(name) != wanted.get(name)
            ]
            some = "; ".join(differing[:DIFFERING_NAMED_MAX])
            raise NotShown(f"{error}; {len(differing)} differ: {some}") from error

    def _wake(self, *, changed: bool) -> None:
        if changed:
            self._changed.set()
            self._changed = asyncio.Event()
