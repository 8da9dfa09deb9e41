"""The relay: drains a service's outbox into Kafka, together with the relays of other processes.

One task keeps the direct connection: lane locks, notifications, the sweep.
Another reads the rows of all idle lanes in one statement whenever it is
woken, and lets each lane publish its batch. No PostgreSQL transaction is open
while Kafka is awaited.
"""

import asyncio
import time
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
from spojka.delivery.outbox_rows import OutboxRow
from spojka.delivery.producer import FencedError
from spojka.outbox import LANES
from spojka.settings import Settings

SWEEP_SECONDS: Final = 0.4
NOTIFY_INTERVAL_SECONDS: Final = 0.005
READ_INTERVAL_SECONDS: Final = 0.002
MEASURE_INTERVAL_SECONDS: Final = 5.0
STOP_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 10.0
FENCED_PAUSE_SECONDS: Final = 2.0

_NOTIFY: Final = """
    SELECT pg_notify(%s, '')
    WHERE EXISTS (SELECT FROM outbox WHERE lane = ANY(%b::smallint[]))
"""

log = structlog.get_logger()


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
        self._publishing: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._wake = asyncio.Event()
        self._nudged = False
        self._notify_time = 0.0
        self._topics_are_there = False

    def nudge(self) -> None:
        """Say that a transaction with events has committed. Cheap; call it on the event loop."""
        self._nudged = True
        self._wake.set()

    async def start(self) -> None:
        """Begin. Kafka and PostgreSQL may be away: the relay waits for them and says so."""
        self._tasks = [
            asyncio.create_task(self._keep(), name=f"{self._part}: lanes"),
            asyncio.create_task(self._read(), name=f"{self._part}: reader"),
        ]

    async def stop(self) -> None:
        """Finish the batches on their way, then give the lanes up."""
        keeper, reader = self._tasks
        await cancel_all([reader])
        if self._publishing:
            await asyncio.wait(self._publishing, timeout=STOP_SECONDS)
        await cancel_all([keeper, *self._publishing])

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
            if time.monotonic() - measured > MEASURE_INTERVAL_SECONDS:
                measured = time.monotonic()
                await self._measure(connection)
            self._wake.set()
            async for _ in connection.notifies(timeout=SWEEP_SECONDS):
                self._wake.set()

    async def _share_lanes(self, locks: LaneLocks) -> None:
        """Give up what is above the fair share, take what is free below it."""
        share = await locks.fair_share()
        kept = [lane for lane in self._lanes.values() if not lane.retiring]
        for lane in kept[share:]:
            lane.retiring = True
        for lane in [lane for lane in self._lanes.values() if lane.retiring and not lane.busy]:
            lane.close()
            del self._lanes[lane.number]
            await locks.release(lane.number)
        now = time.monotonic()
        self._refused = {lane: until for lane, until in self._refused.items() if until > now}
        for number in await locks.acquire(
            share - len(self._lanes), refused=frozenset(self._refused)
        ):
            self._lanes[number] = Lane(
                number,
                self._database,
                self._kafka,
                self._settings.topic_prefix,
                lambda lane: locks.still_held(self._database, lane),
            )
        self.stats.held_lanes = len(self._lanes)

    def _lose_lanes(self) -> None:
        # Batches on their way end by themselves: fenced by the next holder, or published.
        for lane in self._lanes.values():
            lane.retiring = True
            if not lane.busy:
                lane.close()
        self._lanes = {}
        self.stats.held_lanes = 0

    async def _measure(self, connection: Connection) -> None:
        cursor = await connection.execute(outbox_rows.DEPTH, [list(range(LANES))])
        row = await cursor.fetchone()
        assert row is not None
        self.stats.waiting_events, self.stats.oldest_age_seconds = row

    # --- batches ------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._read_once()
                await self._tell_others()
                self._health.recover(f"{self._part}, reader")
            except Exception as error:  # noqa: BLE001 - whatever it is, the sweep tries again
                log.warning("relay can't read the outbox", error=repr(error))
                self._health.degrade(f"{self._part}, reader", f"can't read the outbox: {error!r}")
                await asyncio.sleep(SWEEP_SECONDS)
            # Many small transactions in a row make one batch.
            await asyncio.sleep(READ_INTERVAL_SECONDS)

    async def _read_once(self) -> None:
        idle = {
            number: lane
            for number, lane in self._lanes.items()
            if not lane.busy and not lane.retiring
        }
        if not idle:
            return
        # Marked before the first await, so that the keeper gives no lane up under the reading.
        for lane in idle.values():
            lane.busy = True
        # A lane is taken over before its first row is there: that takes half a second.
        batches: dict[int, list[OutboxRow]] = {
            number: [] for number, lane in idle.items() if not lane.opened
        }
        try:
            batches |= await outbox_rows.fetch(self._database, list(idle))
        except BaseException:
            batches = {}
            raise
        finally:
            for number, lane in idle.items():
                if number not in batches:
                    self._free(lane)
        for number, rows in batches.items():
            task = asyncio.get_running_loop().create_task(self._publish(idle[number], rows))
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)

    async def _publish(self, lane: Lane, rows: list[OutboxRow]) -> None:
        pause = 0.0
        try:
            if not self._topics_are_there:
                await ensure_topics(self._settings, schemas=[self._database.schema])
                self._topics_are_there = True
            count = await lane.publish(rows)
            self.stats.published_events += count
            self.stats.published_batches += count > 0
            if lane.backoff.failures:
                lane.backoff.reset()
                self._health.recover(f"{self._part}, lane {lane.number}")
        except FencedError as error:
            log.warning("relay gives up a fenced lane", lane=lane.number, error=str(error))
            lane.retiring = True
            self._refused[lane.number] = time.monotonic() + FENCED_PAUSE_SECONDS
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the other lanes
            self.stats.failed_batches += 1
            pause = lane.backoff.next_seconds()
            log.warning("relay could not publish", lane=lane.number, error=repr(error))
            self._health.degrade(f"{self._part}, lane {lane.number}", str(error))
        finally:
            if pause:
                asyncio.get_running_loop().call_later(pause, self._rest, lane)
            else:
                self._rest(lane)

    def _rest(self, lane: Lane) -> None:
        """Let the lane be read again; where it was lost meanwhile, let its producers go."""
        self._free(lane)
        self._wake.set()

    def _free(self, lane: Lane) -> None:
        lane.busy = False
        if self._lanes.get(lane.number) is not lane:
            lane.close()

    async def _tell_others(self) -> None:
        """Notify the other relays when rows of lanes that they hold were written here."""
        foreign = [lane for lane in range(LANES) if lane not in self._lanes]
        if not self._nudged or not foreign:
            self._nudged = False
            return
        left = self._notify_time + NOTIFY_INTERVAL_SECONDS - time.monotonic()
        if left > 0:
            asyncio.get_running_loop().call_later(left, self._wake.set)
            return
        self._nudged = False
        self._notify_time = time.monotonic()
        # Its own transaction, outside every business transaction: a pending NOTIFY
        # makes commits queue behind one lock of the whole server.
        async with self._database.autocommit() as connection:
            await connection.execute(_NOTIFY, [self._channel, foreign])
