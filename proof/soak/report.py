"""What a soak did and found: a line for each phase, and a summary as text or Markdown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Final

from proof.soak.memory import Growth

MS_PER_SECOND: Final = 1000
PERCENTILES: Final = 100


@dataclass(frozen=True, slots=True)
class Latency:
    """The median and the 99th of a hundred, in ms."""

    p50_ms: float
    p99_ms: float

    @staticmethod
    def of(seconds: Sequence[float]) -> "Latency | None":
        """The latency of some durations; None where there are too few."""
        if len(seconds) < 2:
            return None
        cuts = quantiles(seconds, n=PERCENTILES, method="inclusive")
        return Latency(cuts[49] * MS_PER_SECOND, cuts[98] * MS_PER_SECOND)

    def __str__(self) -> str:
        return f"{self.p50_ms:.0f}/{self.p99_ms:.0f} ms"


@dataclass(frozen=True, slots=True)
class PhaseReport:
    """One phase as it went."""

    number: int
    load_seconds: float
    rest_seconds: float
    placing: Latency | None
    paying: Latency | None
    strikes: tuple[str, ...]
    complaints: int
    waited_for: str = ""
    """What the rest waited for longest, where it took its time."""

    def __str__(self) -> str:
        verdict = "agrees" if not self.complaints else f"{self.complaints} COMPLAINTS"
        waited = f" (waited for: {self.waited_for})" if self.waited_for else ""
        return (
            f"phase {self.number}: load {self.load_seconds:.0f} s, "
            f"rest {self.rest_seconds:.0f} s{waited}, placing {self.placing or '-'}, "
            f"mail to paid {self.paying or '-'}; {', '.join(self.strikes)}: {verdict}"
        )


@dataclass(slots=True)
class Summary:
    """All phases. `failure` is the story of the first that did not agree."""

    seed: int
    seconds: float = 0.0
    phases: list[PhaseReport] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    spared: Counter[str] = field(default_factory=Counter)
    failed_calls: Counter[str] = field(default_factory=Counter)
    memory: list[Growth] = field(default_factory=list)
    failure: str = ""

    def __str__(self) -> str:
        return "\n".join([*self._lines(), *_memory_lines(self.memory), "", self.failure]).rstrip()

    def _lines(self) -> Iterator[str]:
        judged = sum(not phase.complaints for phase in self.phases)
        yield f"seed {self.seed}: {len(self.phases)} phases in {self.seconds / 60:.0f} minutes"
        yield f"judgements that found nothing: {judged} of {len(self.phases)}"
        yield f"done: {_counted(self.done)}"
        yield f"struck: {_counted(self.struck)}"
        if self.spared:
            yield f"not struck: {_counted(self.spared)}"
        yield f"calls that failed and were made again: {_counted(self.failed_calls) or 'none'}"

    def markdown(self) -> str:
        """The summary as a section of a page."""
        parts = [
            "### The last run",
            "",
            f"`make soak MINUTES={self.seconds / 60:.0f} SEED={self.seed}`",
            "",
            "| | |",
            "| --- | --- |",
        ]
        for line in self._lines():
            name, _, value = line.partition(": ")
            parts.append(f"| {name} | {value} |")
        parts += ["", "Memory of each service's processes (MiB), taken at every quiet moment:", ""]
        parts += _memory_table(self.memory)
        parts += ["", "Placing an order and mail to paid, p50/p99 of each phase, strikes and all:"]
        parts += ["", "| phase | placing | mail to paid | struck by |", "| --- | --- | --- | --- |"]
        for phase in self.phases:
            cells = [phase.number, phase.placing or "–", phase.paying or "–"]
            parts.append(f"| {' | '.join(map(str, cells))} | {', '.join(phase.strikes)} |")
        return "\n".join(parts) + "\n"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _memory_lines(growths: Sequence[Growth]) -> Iterator[str]:
    yield f"{'memory (MiB)':14} {'first':>8} {'last':>8} {'max':>8} {'per hour':>9} {'samples':>8}"
    for each in growths:
        slope = "-" if each.mib_per_hour is None else f"{each.mib_per_hour:+.1f}"
        yield (
            f"{each.service:14} {each.first_mib:8.1f} {each.last_mib:8.1f} {each.max_mib:8.1f} "
            f"{slope:>9} {each.samples:8}"
        )


def _memory_table(growths: Sequence[Growth]) -> Iterator[str]:
    yield "| service | first | last | most | per hour, within a process's life | samples |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for each in growths:
        slope = "–" if each.mib_per_hour is None else f"{each.mib_per_hour:+.1f}"
        yield (
            f"| {each.service} | {each.first_mib:.0f} | {each.last_mib:.0f} | {each.max_mib:.0f} "
            f"| {slope} | {each.samples} |"
        )
