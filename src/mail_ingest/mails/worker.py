"""The worker: takes mails that are due, judges them side by side, writes down what came of it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg
import structlog

from mail_ingest.mails import queue
from mail_ingest.mails.judge import Judge, Verdict, broken_verdict
from mail_ingest.mails.model import StoredMail, load_mails
from mail_ingest.mails.queue import Claim
from mail_ingest.mails.recording import record, record_interim
from spojka import crash_points
from spojka.asking import together
from spojka.cancelling import cancel_all, heed_cancellation
from spojka.database import Connection, Database
from spojka.delivery.health import Health
from spojka.errors import Unavailable
from spojka.outbox import append

BATCH_MAILS: Final = 50
IN_FLIGHT_MAX: Final = 64
SWEEP_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 1.0
BROKEN_MAX: Final = 5
"""Judgings of a mail alone that may break off; then it is unreadable, and a person looks at it."""

RETRY_FIRST: Final = timedelta(seconds=15)
RETRY_LONGEST: Final = timedelta(minutes=30)
RETRY_DOUBLINGS_MAX: Final = 20

PART: Final = "mail worker"
DNS_PART: Final = "mail verification"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Judged:
    claim: Claim
    mail: StoredMail
    verdict: Verdict | None
    """None: judging broke off."""
    recorded: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class WorkerStats:
    """Figures of one worker."""

    judged_mails: int = 0
    postponed_mails: int = 0
    broken_judgings: int = 0
    notified_movements: int = 0


class Worker:
    """Judges mails of all tenants; several at once share them. `after_commit` hints the relay."""

    def __init__(
        self, database: Database, judge: Judge, health: Health, after_commit: Callable[[], None]
    ) -> None:
        """Remember what to work with; `start` begins."""
        self._database = database
        self._judge = judge
        self._health = health
        self._after_commit = after_commit
        self._wake = asyncio.Event()
        self._alone = asyncio.Lock()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._judged: asyncio.Queue[_Judged] = asyncio.Queue(IN_FLIGHT_MAX)
        self._unrecorded = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.stats = WorkerStats()

    async def start(self) -> None:
        """Begin; mails that waited are taken at once."""
        self._tasks = [
            asyncio.create_task(self._take_forever(), name=PART),
            asyncio.create_task(self._record_forever(), name=f"{PART}: recording"),
        ]

    async def stop(self) -> None:
        """End; what was taken and not recorded becomes due again by itself."""
        await cancel_all([*self._tasks, *self._in_flight])

    def nudge(self) -> None:
        """Say that a mail was stored."""
        self._wake.set()

    async def _take_forever(self) -> None:
        while True:
            self._wake.clear()
            try:
                more = await self._take()
                self._health.recover(PART)
            except (Unavailable, psycopg.Error) as error:
                self._health.degrade(PART, str(error))
                more = False
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_SECONDS):
                        await self._wake.wait()
            heed_cancellation()

    async def _take(self) -> bool:
        """Take what there is room for; whether there may be more at once."""
        room = min(BATCH_MAILS, IN_FLIGHT_MAX - len(self._in_flight) - self._unrecorded)
        if room <= 0:
            return False
        claims = await queue.claim(self._database, room)
        if claims:
            crash_points.reach("mail-claimed")
        by_tenant: dict[UUID, list[Claim]] = defaultdict(list)
        for claim in claims:
            by_tenant[claim.tenant_id].append(claim)
        for tenant_id, its_claims in by_tenant.items():
            await self._begin(tenant_id, its_claims)
        return len(claims) == room

    async def _begin(self, tenant_id: UUID, claims: Sequence[Claim]) -> None:
        async with self._database.transaction(tenant_id) as connection:
            found = await load_mails(connection, tenant_id, [claim.mail_id for claim in claims])
            mails = {mail.row.id: mail for mail in found}
            # These were forgotten after their time.
            forgotten = [claim for claim in claims if claim.mail_id not in mails]
            await queue.finish(connection, tenant_id, forgotten)
        for claim in claims:
            if claim.mail_id in mails:
                task = asyncio.create_task(self._work(claim, mails[claim.mail_id]))
                self._in_flight.add(task)
                task.add_done_callback(self._in_flight.discard)

    async def _work(self, claim: Claim, mail: StoredMail) -> None:
        if claim.broken > 1:
            await self._work_alone(claim, mail)
        else:
            self._pass_on(claim, mail, await self._try(mail))

    async def _work_alone(self, claim: Claim, mail: StoredMail) -> None:
        """Judge a mail that was taken before, of which nothing came.

        The process may have ended by itself, or another mail of the same batch may have ended
        it: only what breaks off while no other of them is judged counts against a mail.
        """
        async with self._alone:
            try:
                times = await queue.count_alone(self._database, claim)
            except (Unavailable, psycopg.Error) as error:
                self._health.degrade(PART, str(error))
                return  # It is due again when the claim has passed.
            if times is None:
                return
            verdict = (
                await self._try(mail)
                if times <= BROKEN_MAX
                else broken_verdict(f"Judging it broke off {BROKEN_MAX} times.")
            )
            await self._pass_on(claim, mail, verdict).wait()

    async def _try(self, mail: StoredMail) -> Verdict | None:
        try:
            return await self._judge.judge(mail)
        except Exception:  # - whatever a mail does to the judging, the worker goes on
            log.exception("judging a mail broke off", mail=str(mail.row.id))
            self.stats.broken_judgings += 1
            return None

    def _pass_on(self, claim: Claim, mail: StoredMail, verdict: Verdict | None) -> asyncio.Event:
        """Let it be recorded; what is given says when that is done."""
        crash_points.reach("mail-judged")
        judged = _Judged(claim, mail, verdict)
        self._unrecorded += 1
        self._judged.put_nowait(judged)
        return judged.recorded

    async def _record_forever(self) -> None:
        while True:
            batch = [await self._judged.get()]
            while len(batch) < BATCH_MAILS and not self._judged.empty():
                batch.append(self._judged.get_nowait())
            by_tenant: dict[UUID, list[_Judged]] = defaultdict(list)
            for judged in batch:
                by_tenant[judged.claim.tenant_id].append(judged)
            for tenant_id, its_mails in by_tenant.items():
                await self._record(tenant_id, sorted(its_mails, key=lambda one: one.mail.row.id))
            for judged in batch:
                judged.recorded.set()
            self._unrecorded -= len(batch)
            self._wake.set()

    async def _record(self, tenant_id: UUID, mails: Sequence[_Judged]) -> None:
        """Record mails of one tenant, however long PostgreSQL is away."""
        while True:
            try:
                await self._commit(tenant_id, mails)
            except Unavailable as error:
                self._health.degrade(PART, error.message)
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            except Exception:
                # One of them can't be recorded: it must not keep the others from it.
                log.exception("mails were not recorded", mails=len(mails))
                if len(mails) > 1:
                    for mail in mails:
                        await self._record(tenant_id, [mail])
                self.stats.broken_judgings += len(mails) == 1
            return

    async def _commit(self, tenant_id: UUID, mails: Sequence[_Judged]) -> None:
        done = {
            each.claim: (each.mail, each.verdict)
            for each in mails
            if each.verdict is not None and not each.verdict.retry
        }
        async with self._database.transaction(tenant_id) as connection:
            ours = await queue.finish(connection, tenant_id, done.keys())
            judged = [each for claim, each in done.items() if claim.mail_id in ours]
            async with together(connection):
                events = await record(connection, tenant_id, judged)
                await append(connection, events)
            for each in mails:
                if each.claim not in done:
                    await _postpone(connection, each)
            crash_points.reach("mail-recorded")
        crash_points.reach("mail-told")
        if events:
            self._after_commit()
        self._count(mails, len(events))

    def _count(self, mails: Sequence[_Judged], notified: int) -> None:
        waiting = [judged for judged in mails if judged.verdict and judged.verdict.retry]
        done = sum(judged.verdict is not None for judged in mails) - len(waiting)
        self.stats.notified_movements += notified
        self.stats.judged_mails += done
        self.stats.postponed_mails += len(waiting)
        if waiting:
            self._health.degrade(
                DNS_PART, "DNS does not answer what proves mails; they wait and are tried again"
            )
        elif done:
            self._health.recover(DNS_PART)


async def _postpone(connection: Connection, judged: _Judged) -> None:
    claim, verdict = judged.claim, judged.verdict
    if verdict is None:
        await queue.postpone(connection, claim, _delay(claim.broken), judged=False)
    elif await queue.postpone(connection, claim, _delay(claim.number), judged=True):
        await record_interim(connection, judged.mail, verdict)


def _delay(tries: int) -> timedelta:
    doublings = min(tries - 1, RETRY_DOUBLINGS_MAX)
    return min(RETRY_FIRST * (1 << doublings), RETRY_LONGEST)
