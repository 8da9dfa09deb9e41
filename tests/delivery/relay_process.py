"""A relay in a process of its own, which stops or kills itself at a named point of its first batch.

Arguments: the point, and the signal's name. The settings come from the environment.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator, Sequence

from spojka.database import Database
from spojka.delivery import outbox_rows
from spojka.delivery.health import Health
from spojka.delivery.lane import Lane
from spojka.delivery.outbox_rows import OutboxRow
from spojka.delivery.producer import Record, TransactionalProducer
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

    publish, send, delete = Lane.publish, TransactionalProducer._send, outbox_rows.delete

    async def publish_after(self: Lane, rows: Sequence[OutboxRow]) -> int:
        if self._producers:
            once()
        return await publish(self, rows)

    def send_half(self: TransactionalProducer, records: Sequence[Record]) -> None:
        class Halting(list[Record]):
            def __iter__(self) -> Iterator[Record]:
                middle = len(self) // 2
                yield from self[:middle]
                once()
                yield from self[middle:]

        send(self, Halting(records))

    async def delete_after(database: Database, lane: int, numbers: Sequence[int]) -> None:
        once()
        await delete(database, lane, numbers)

    match point:
        case "before the batch":
            Lane.publish = publish_after  # type: ignore[method-assign]
        case "inside the transaction":
            TransactionalProducer._send = send_half  # type: ignore[method-assign]
        case "before the DELETE":
            outbox_rows.delete = delete_after
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
