"""The relay: drains a service's outbox into Kafka, together with the relays of other processes.

One task keeps the direct connection: lane locks, notifications, the sweep.
Each lane that is held has a task that drains it whenever it is woken. No
PostgreSQL transaction is open while Kafka is awaited.

A relay that reaches PostgreSQL but not Kafka would keep its lanes for nothing:
while there is another relay it gives way to it, and comes back when it reaches
every broker, or when nobody else is left.
"""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from spojka.cancelling import cancel_all
from spojka.database import Connection, Database
from spojka.delivery import outbox_rows
from spojka.delivery.admin import ensure_topics
from spojka.delivery.backoff import Backoff
from spojka.delivery.health import Health
from spojka.delivery.kafka_config import kafka_config
from spojka.delivery.lane import Lane
from spojka.delivery.lane_locks import LEASE_MS, LaneLocks
from spojka.delivery.producer import FencedError
from spojka.delivery.reach import reaches_every_broker
from spojka.errors import Unavailable
from spojka.outbox import LANES
from spojka.settings import Settings

SWEEP_SECONDS: Final = 0.4
NOTIFY_INTERVAL_SECONDS: Final = 0.005
MEASURE_INTERVAL_SECONDS: Final = 5.0
STOP_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 10.0
FENCED_PAUSE_SECONDS: Final = 2.0
GIVE_WAY_SECONDS: Final = 10.0
"""Of trying in vain to publish a lane's rows, while another relay could. A leader that moves in
Kafka takes less. It doubles with every time until something is published: where Kafka is slow for
all, nobody may begin again before the other could have ended."""
GIVE_WAY_SECONDS_MAX: Final = 80.0
AWAY_PAUSE_SECONDS_MAX: Final = 10.0

_NOTIFY: Final = """
    SELECT pg_notify(%s, '')
    WHERE EXISTS (SELECT FROM outbox WHERE lane = ANY(%b::smallint[]))
"""

log = structlog.get_logger()


class _GaveWayError(Exception):
    """Kafka does not take what this relay publishes: another relay is to try."""


@dataclass(slots=True)
class RelayStats:
    """Figures of one relay; depth and age are those of the whole outbox, measured now and then."""

    published_events: int = 0
    published_batches: int = 0
    failed_batches: int = 0
    held_lanes: int = 0
    waiting_events: int = 0
    oldest_age_seconds: float = 0.0


class Relay:
    """Publishes what a service's transactions wrote, lane by lane, as long as it runs."""

    def __init__(
        self, database: Database, settings: Settings, service: str, health: Health
    ) -> None:
        """Take what it stands on; `database` must be open when the relay is started.

        Raises SettingsError where Kafka's addresses are missing.
        """
        self.stats = RelayStats()
        self._database = database
        self._settings = settings
        self._kafka = kafka_config(settings, f"spojka-{service}-relay")
        self._health = health
        self._part = f"relay of {service}"
        self._channel = f"spojka_outbox_{database.schema}"
        self._lanes: dict[int, Lane] = {}
        self._refused: dict[int, float] = {}
        self._draining: dict[asyncio.Task[None], Lane] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._nudged = asyncio.Event()
        self._topics_are_there = False
        self._patience_seconds = GIVE_WAY_SECONDS
        self._stopping = False

    def nudge(self) -> None:
        """Say that a transaction with events has committed. Cheap; call it on the event loop."""
        self._nudged.set()
        self._wake()

    async def start(self) -> None:
        """Begin. Kafka and PostgreSQL may be away: the relay waits for them and says so."""
        self._tasks = [
            asyncio.create_task(self._keep(), name=f"{self._part}: lanes"),
            asyncio.create_task(self._tell_others(), name=f"{self._part}: hints"),
        ]

    async def stop(self) -> None:
        """Finish the batches on their way, then give the lanes up."""
        self._stopping = True
        for lane in self._draining.values():
            lane.retire()
        if self._draining:
            await asyncio.wait(self._draining, timeout=STOP_SECONDS)
        await cancel_all([*self._tasks, *self._draining])

    # --- lanes: everything on the direct connection -------------------------------------------

    async def _keep(self) -> None:
        backoff = Backoff(0.1, 5.0)
        while True:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    connecting = await self._database.connect_directly()
                async with connecting as connection:
                    locks = LaneLocks(connection, self._database.schema)
                    await connection.execute(f'LISTEN "{self._channel}"')
                    await locks.join()
                    backoff.reset()
                    await self._keep_lanes(connection, locks)
            except _GaveWayError as error:
                log.warning("relay gives way to the others", error=str(error))
                self._health.degrade(self._part, str(error))
                self._lose_lanes()
                await self._stay_away(locks)
                continue
            except Exception as error:  # noqa: BLE001 - whatever it is, the next connection may do
                log.warning("relay lost its lanes", error=repr(error))
                self._health.degrade(self._part, f"the lanes were lost: {error!r}")
            finally:
                self._lose_lanes()
            await asyncio.sleep(backoff.next_seconds())

    async def _keep_lanes(self, connection: Connection, locks: LaneLocks) -> None:
        measured = 0.0
        self._health.recover(self._part)
        while True:
            # A network that swallows answers must not leave us believing in lanes long lost.
            async with asyncio.timeout(LEASE_MS / 1000):
                await self._share_lanes(locks)
            self._give_way(locks)
            if time.monotonic() - measured > MEASURE_INTERVAL_SECONDS:
                measured = time.monotonic()
                await self._measure(connection)
            self._wake()
            async for _ in connection.notifies(timeout=SWEEP_SECONDS):
                self._wake()

    def _give_way(self, locks: LaneLocks) -> None:
        """Raise _GaveWayError where a lane was long tried in vain and others may do better."""
        longest = max((lane.tried_seconds for lane in self._lanes.values()), default=0.0)
        if longest > self._patience_seconds and locks.members > 1:
            self._patience_seconds = min(2 * self._patience_seconds, GIVE_WAY_SECONDS_MAX)
            raise _GaveWayError(
                f"Kafka took nothing for {longest:.0f} s: another process publishes meanwhile. "
                "Are all brokers reached from this host?"
            )

    async def _stay_away(self, locks: LaneLocks) -> None:
        """Wait, without a lane, until every broker is reached or no other relay is left.

        The first pause is of chance, so that of several that give way at once one stays.
        """
        backoff = Backoff(2.0, AWAY_PAUSE_SECONDS_MAX)
        while True:
            await asyncio.sleep(backoff.next_seconds())
            try:
                if not await locks.count_members(self._database):
                    return
            except Unavailable as error:
                log.info("relay can't tell whether there are others", error=error.message)
                continue
            if await reaches_every_broker(self._kafka):
                return

    async def _share_lanes(self, locks: LaneLocks) -> None:
        """Give up what is above the fair share, take what is free below it."""
        share = 0 if self._stopping else await locks.fair_share()
        kept = [lane for lane in self._lanes.values() if not lane.retired.is_set()]
        for lane in kept[share:]:
            lane.retire()
        for number in self._lanes.keys() - {lane.number for lane in self._draining.values()}:
            del self._lanes[number]
            await locks.release(number)
        now = time.monotonic()
        self._refused = {lane: until for lane, until in self._refused.items() if until > now}
        for number in await locks.acquire(
            share - len(self._lanes), refused=frozenset(self._refused)
        ):
            lane = self._lanes[number] = Lane(
                number,
                self._database,
                self._kafka,
                self._settings.topic_prefix,
                lambda lane: locks.still_held(self._database, lane),
            )
            task = asyncio.create_task(self._drain(lane), name=f"{self._part}, lane {number}")
            self._draining[task] = lane
            task.add_done_callback(self._draining.pop)
        self.stats.held_lanes = len(self._lanes)

    def _lose_lanes(self) -> None:
        # Batches on their way end by themselves: fenced by the next holder, or published.
        for lane in self._lanes.values():
            lane.retire()
        self._lanes = {}
        self.stats.held_lanes = 0

    async def _measure(self, connection: Connection) -> None:
        cursor = await connection.execute(outbox_rows.DEPTH, [list(range(LANES))])
        row = await cursor.fetchone()
        assert row is not None
        self.stats.waiting_events, self.stats.oldest_age_seconds = row

    # --- batches ------------------------------------------------------------------------------

    def _wake(self) -> None:
        for lane in self._lanes.values():
            lane.wake()

    async def _drain(self, lane: Lane) -> None:
        """Drain a lane whenever it is woken, until it retires."""
        part = f"{self._part}, lane {lane.number}"
        backoff = Backoff()
        try:
            while not lane.retired.is_set():
                try:
                    lane.begin_trying()
                    await self._ensure_topics()
                    await lane.drain(self._count)
                except FencedError as error:
                    log.warning("relay gives up a fenced lane", lane=lane.number, error=str(error))
                    self._refused[lane.number] = time.monotonic() + FENCED_PAUSE_SECONDS
                    return
                except Exception as error:  # noqa: BLE001 - whatever it is, it must not end the lane
                    self.stats.failed_batches += 1
                    log.warning("relay could not publish", lane=lane.number, error=repr(error))
                    self._health.degrade(part, str(error))
                    with suppress(TimeoutError):
                        async with asyncio.timeout(backoff.next_seconds()):
                            await lane.retired.wait()
                else:
                    if backoff.failures:
                        backoff.reset()
                        self._health.recover(part)
                    await lane.woken()
        finally:
            lane.close()
            self._health.recover(part)

    def _count(self, published: int) -> None:
        self._patience_seconds = GIVE_WAY_SECONDS
        self.stats.published_events += published
        self.stats.published_batches += 1

    async def _ensure_topics(self) -> None:
        if not self._topics_are_there:
            await ensure_topics(self._settings, schemas=[self._database.schema])
            self._topics_are_there = True

    async def _tell_others(self) -> None:
        """Notify the other relays when rows of lanes that they hold were written here."""
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            foreign = [lane for lane in range(LANES) if lane not in self._lanes]
            if foreign:
                # Its own transaction, outside every business transaction: a pending NOTIFY
                # makes commits queue behind one lock of the whole server.
                try:
                    async with self._database.autocommit() as connection:
                        await connection.execute(_NOTIFY, [self._channel, foreign])
                except Unavailable as error:
                    log.info("relay can't tell the others, who sweep", error=error.message)
            await asyncio.sleep(NOTIFY_INTERVAL_SECONDS)
