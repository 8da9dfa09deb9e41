"""A relay in a process of its own, which stops or kills itself at a named point of its first batch.

Arguments: the point, and the signal's name. The settings come from the environment.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Sequence

from confluent_kafka import Producer

from spojka.database import Database
from spojka.delivery import outbox_rows
from spojka.delivery.health import Health
from spojka.delivery.lane import Lane
from spojka.delivery.outbox_rows import OutboxRow
from spojka.delivery.relay import Relay
from spojka.settings import load_settings

POINTS = ("before the batch", "inside the transaction", "before the DELETE")


def say(what: str) -> None:
    """Tell the test, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def signal_oneself_at(point: str, number: signal.Signals) -> None:  # noqa: C901 - three points
    """Make this process signal itself, once, when it gets to the point."""
    done = False

    def once() -> None:
        nonlocal done
        if not done:
            done = True
            say("at the point")
            os.kill(os.getpid(), number)
            say("continued")

    advance, write = outbox_rows.advance, Lane._write

    async def advance_then(
        database: Database, lane: int, published: Sequence[int]
    ) -> list[OutboxRow]:
        rows = await advance(database, lane, published)
        if rows:
            once()
        return rows

    def write_half(self: Lane, rows: Sequence[OutboxRow], client: Producer) -> None:
        class Halting(list[OutboxRow]):
            def __iter__(self) -> Iterator[OutboxRow]:
                middle = len(self) // 2
                yield from self[:middle]
                once()
                yield from self[middle:]

        write(self, Halting(rows), client)

    async def advance_after(
        database: Database, lane: int, published: Sequence[int]
    ) -> list[OutboxRow]:
        if published:
            once()
        return await advance(database, lane, published)

    match point:
        case "before the batch":
            outbox_rows.advance = advance_then
        case "inside the transaction":
            Lane._write = write_half  # type: ignore[method-assign]
        case "before the DELETE":
            outbox_rows.advance = advance_after
        case _:
            raise ValueError(point)


async def main() -> None:
    """Relay until SIGTERM."""
    signal_oneself_at(sys.argv[1], signal.Signals[sys.argv[2]])
    settings = load_settings()
    assert settings.database_url is not None
    schema = settings.topic_prefix
    database = Database(settings.database_url.get_secret_value(), schema, application="relay")
    await database.open()
    relay = Relay(database, settings, "tests", Health())
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await relay.start()
    say("started")
    await ended.wait()
    await relay.stop()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
