"""Which addresses work now: asked of PostgreSQL, a known one not again within seconds."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from spojka.database import Database

REMEMBERED_SECONDS: Final = 5.0
"""How long a working address is not asked for again. A mail is stored only where
the address works at that moment, so nothing is taken for one that has ended."""

REMEMBERED_MAX: Final = 10_000


class Recipients:
    """Finds working addresses by their hashes."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        """Remember nothing yet. `now` is a clock in seconds that only grows."""
        self._database = database
        self._now = now
        self._asked: OrderedDict[bytes, float] = OrderedDict()

    async def works(self, local_hash: bytes) -> bool:
        """Whether there is such an address and it has not ended. Raises Unavailable."""
        asked = self._asked.get(local_hash)
        if asked is not None and asked > self._now() - REMEMBERED_SECONDS:
            return True
        async with self._database.autocommit() as connection:
            cursor = await connection.execute(
                "SELECT FROM address WHERE local_hash = %s"
                " AND (end_time IS NULL OR end_time > now())",
                [local_hash],
            )
            found = await cursor.fetchone() is not None
        if found:
            self._asked[local_hash] = self._now()
            self._asked.move_to_end(local_hash)
            if len(self._asked) > REMEMBERED_MAX:
                self._asked.popitem(last=False)
        return found
