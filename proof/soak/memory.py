"""How much memory the services' processes take, from one quiet moment to the next."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.system import System

KIB_PER_MIB: Final = 1024
MINUTES_PER_HOUR: Final = 60.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one process took; `minutes` since the soak began."""

    pid: int
    minutes: float
    mib: float


@dataclass(frozen=True, slots=True)
class Growth:
    """A service's memory over the soak.

    `mib_per_hour` is the slope within the lives of its processes: one that is
    started again begins anew. None where no process lived for two samples.
    """

    service: str
    first_mib: float
    last_mib: float
    max_mib: float
    mib_per_hour: float | None
    samples: int


@dataclass(slots=True)
class Memory:
    """The samples by service."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def sample(self, system: System, minutes: float) -> None:
        """Take one sample of each process of the installation."""
        service_of = {each.name: each.service for each in system.installation.instances}
        for status in system.installation.supervisor.statuses():
            if status.pid is not None:
                service = service_of.get(status.name, status.name)
                mib = _resident_mib(status.pid)
                self.samples.setdefault(service, []).append(Sample(status.pid, minutes, mib))

    def growths(self) -> Iterator[Growth]:
        """Each service's memory."""
        for service, samples in self.samples.items():
            yield Growth(
                service=service,
                first_mib=samples[0].mib,
                last_mib=samples[-1].mib,
                max_mib=max(sample.mib for sample in samples),
                mib_per_hour=_slope(samples),
                samples=len(samples),
            )


def _resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "VmRSS":
            return int(value.split()[0]) / KIB_PER_MIB
    return 0.0


def _slope(samples: Iterable[Sample]) -> float | None:
    """The least squares over all lives, each measured from its own means."""
    lives: dict[int, list[Sample]] = {}
    for sample in samples:
        lives.setdefault(sample.pid, []).append(sample)
    shared = spread = 0.0
    for life in lives.values():
        middle = sum(sample.minutes for sample in life) / len(life)
        mean = sum(sample.mib for sample in life) / len(life)
        shared += sum((each.minutes - middle) * (each.mib - mean) for each in life)
        spread += sum((each.minutes - middle) ** 2 for each in life)
    return shared / spread * MINUTES_PER_HOUR if spread else None
