"""How the first admin key comes into being, before there is a key to call with.

The service that keeps the keys registers a function of this form in the entry
point group `spojka.bootstrap`, under the name of its schema.
"""

from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol

ENTRY_POINTS: Final = "spojka.bootstrap"


class BootstrapError(Exception):
    """The key was not made; the message says why and what to do."""


class CreateAdminKey(Protocol):
    """Makes an admin key directly in the database."""

    async def __call__(self, database_url: str, *, description: str, force: bool) -> str:
        """The whole key, which is never shown again.

        Raises BootstrapError where an admin key lives already and `force` is
        not set, or where the database can't be used.
        """


def registered_bootstrap() -> tuple[str, CreateAdminKey]:
    """The schema that keeps the keys, and the function. Raises BootstrapError without one."""
    found: list[EntryPoint] = list(entry_points(group=ENTRY_POINTS))
    if len(found) != 1:
        raise BootstrapError(
            f"{len(found)} packages register the entry point {ENTRY_POINTS!r}, one is wanted: "
            "install Spojka again"
        )
    return found[0].name, found[0].load()
