"""A soak: phases of load and strikes, each followed by rest and judgement over everything."""

import asyncio
import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

import psycopg

from proof.soak import clocks
from proof.soak.accounts import open_account
from proof.soak.adversary import Adversary
from proof.soak.decisions import decision_complaints, status_complaints
from proof.soak.disks import mounted
from proof.soak.load import Load
from proof.soak.memory import Memory
from proof.soak.people import People
from proof.soak.plan import Phase, plan_phase
from proof.soak.report import Latency, PhaseReport, Summary
from proof.soak.strikes import Skew
from proof.soak.telling import tell
from proof.soak.verifying import verification_complaints
from tests.faults.judgement import Evidence, hear
from tests.faults.story import Story
from tests.faults.system import PRODUCTS, System, running_system

EVENTS_TOLD_MAX: Final = 20_000
WAITING: Final = "under way, such as "
NO_LIMIT: Final = 1_000_000
"""Of kills: the plan limits them."""
LOAD_PATIENCE_SECONDS: Final = 420.0
"""Above all single patiences of what is done in a phase."""
_PAYING_SECONDS: Final = """
    SELECT extract(epoch FROM min(allocation.create_time) - min(mail.receive_time))::float
    FROM payments.allocation
    JOIN payments.payment_source USING (tenant_id, payment_id)
    JOIN mail_ingest.mail ON mail.id = payment_source.mail_id
    WHERE allocation.actor = 'spojka' AND allocation.amount > 0
    GROUP BY allocation.payment_id HAVING min(mail.receive_time) >= %s
"""


@dataclass(slots=True)
class Soak:
    """A running soak over one system."""

    system: System
    people: People
    adversary: Adversary
    summary: Summary
    memory: Memory = field(default_factory=Memory)
    began: float = field(default_factory=time.monotonic)

    async def phase(self, phase: Phase) -> PhaseReport:
        """Run one phase and judge all that was ever done."""
        self.system.story.begin(phase.name)
        branch = await open_account(self.system, phase.number)
        load = Load(self.system, self.people, phase, branch)
        started, since = time.monotonic(), datetime.now(UTC)
        complaints = await self._strike_under(load)
        loaded = time.monotonic()
        if not complaints:
            complaints = await hear(self.system, self._more)
            complaints += await verification_complaints(self.system)
        rested = time.monotonic()
        self.memory.sample(self.system, (rested - self.began) / 60)
        if complaints:
            self.summary.failure = await tell(self.system, phase, complaints)
        return PhaseReport(
            number=phase.number,
            load_seconds=loaded - started,
            rest_seconds=rested - loaded,
            placing=Latency.of(load.placing_seconds),
            paying=None if complaints else await self._paying(phase, since),
            strikes=tuple(type(strike.deed).__name__ for strike in phase.strikes),
            complaints=len(complaints),
            waited_for=_waited_for(self.system.story),
        )

    async def _strike_under(self, load: Load) -> list[str]:
        """Run a load under its strikes; what breaks it off is a complaint."""
        try:
            async with asyncio.timeout(LOAD_PATIENCE_SECONDS), asyncio.TaskGroup() as group:
                group.create_task(load.run())
                group.create_task(self.adversary.strike_all(load.phase.strikes))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the soak's finding
            self.system.story.note(f"the load broke off: {error!r}")
            return [f"the load broke off: {each}" for each in _causes(error)]
        return []

    def _more(self, evidence: Evidence) -> Iterator[str]:
        yield from decision_complaints(self.people.decided, evidence)
        yield from status_complaints(self.people.statuses, evidence)

    async def _paying(self, phase: Phase, since: datetime) -> Latency | None:
        """How long after its mail a payment paid; times of wrong clocks say nothing."""
        if any(isinstance(strike.deed, Skew) for strike in phase.strikes):
            return None
        async with await psycopg.AsyncConnection.connect(self.system.database_url) as connection:
            cursor = await connection.execute(_PAYING_SECONDS, [since])
            return Latency.of([row[0] for row in await cursor.fetchall()])

    def summarise(self) -> None:
        """Count what was done."""
        summary, book, banks = self.summary, self.system.book, self.system.banks
        orders = book.orders.values()
        summary.seconds = time.monotonic() - self.began
        summary.done.update({
            "orders": len(orders),
            "amendments": sum(order.amendments for order in orders),
            "cancellations": sum(order.cancelled for order in orders),
            "deliveries": sum(bool(order.delivered) for order in orders),
            "mails": len(banks.posted),
            "decisions": sum(len(case.kinds) for case in self.people.decided),
            "statuses set by hand": sum(map(len, self.people.statuses.values())),
            "mass changes let through": self.people.gates_opened,
        })  # fmt: skip
        summary.struck, summary.spared = self.adversary.struck, self.adversary.spared
        summary.failed_calls = book.failures
        summary.memory = list(self.memory.growths())


async def soak(seed: int, minutes: float, only_phase: int | None) -> Summary:
    """Run phases for so many minutes, or one alone; stop at the first that does not agree."""
    summary = Summary(seed)
    with _folder(summary) as folder, mounted(folder / "data") as disks:
        made, story = clocks.made(folder / "clocks"), Story(EVENTS_TOLD_MAX)
        try:
            async with running_system(folder, story, made.variables_of) as system:
                system.kills_max = NO_LIMIT
                people = People(system)
                await people.stock_remnants()
                running = Soak(system, people, Adversary(system, disks, made), summary)
                try:
                    await _run(running, seed, minutes, only_phase)
                finally:
                    running.summarise()
        finally:
            if summary.failure or not summary.phases:
                # The disk that they are on goes away.
                shutil.copytree(folder / "data" / "logs", folder / "logs")
                (folder / "logs" / "story.txt").write_text(f"{story}\n")
    return summary


async def _run(running: Soak, seed: int, minutes: float, only_phase: int | None) -> None:
    numbers: Iterable[int] = count(1) if only_phase is None else [only_phase]
    for number in numbers:
        report = await running.phase(plan_phase(seed, number, PRODUCTS))
        running.summary.phases.append(report)
        print(report, flush=True)
        if report.complaints or time.monotonic() - running.began >= minutes * 60:
            break


@contextmanager
def _folder(summary: Summary) -> Iterator[Path]:
    """A folder for the time of a block; kept, and named, where the soak failed."""
    # PostgreSQL's user must reach it where we are root.
    folder = Path(tempfile.mkdtemp(prefix="spojka-soak-"))
    folder.chmod(0o755)
    try:
        yield folder
    except BaseException:
        print(f"The logs are in {folder / 'logs'}", flush=True)
        raise
    if summary.failure:
        summary.failure += f"\nThe logs are in {folder / 'logs'}"
    else:
        shutil.rmtree(folder)


def _waited_for(story: Story) -> str:
    """What the rest told most often that it waits for."""
    told = Counter(event.partition(WAITING)[2] for event in story.events if WAITING in event)
    return told.most_common(1)[0][0] if told else ""


def _causes(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _causes(each)
    else:
        where = traceback.extract_tb(error.__traceback__)[-1:]
        yield f"{error!r} at {', '.join(f'{at.name}:{at.lineno}' for at in where)}"
