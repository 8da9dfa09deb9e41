"""What the adversary does to a phase, as values; `adversary` carries it out."""

import signal
from dataclasses import dataclass
from random import Random
from typing import Final, get_args

from spojka.crash_points import CrashPoint
from tests.faults.readers import GROUPS
from tests.faults.system import KAFKA, POSTGRES, SERVICES, WAREHOUSE

LEAST: Final = 2
MOST: Final = 4
PROCESSES: Final = tuple(name for service in SERVICES for name in (service, f"{service}-2"))
SKEWED: Final = tuple(f"{service}-2" for service in SERVICES)
"""The processes whose clocks can be set: the second of each service."""
SKEW_SECONDS: Final = (-600, -180, -30, 30, 180, 600)
STOP_SECONDS: Final = (1.0, 4.0, 8.0, 15.0)
"""Below and above what Kafka's sessions (6 s), lanes (10 s) and leases (15 s) last."""
DISKS: Final = ("postgres", "kafka", "logs")
"""Folders of the data directory that stand on small disks of their own."""
_STEPS: Final[dict[str, tuple[CrashPoint, ...]]] = {
    "stock": ("import-marked", "import-answered", "event-handled", "batch-published"),
    "orders": ("event-handled", "batch-published"),
    "payments": ("event-handled", "batch-published"),
    "mail_ingest": (
        *("mail-stored", "mail-claimed", "mail-judged", "mail-recorded", "mail-told"),
        "batch-published",
    ),
}
assert {step for steps in _STEPS.values() for step in steps} == set(get_args(CrashPoint))


@dataclass(frozen=True, slots=True)
class Kill:
    """A process ends by a signal; it is started again."""

    name: str
    number: signal.Signals = signal.SIGKILL


@dataclass(frozen=True, slots=True)
class Crash:
    """The next process of a service that comes to a step dies there."""

    service: str
    step: CrashPoint


@dataclass(frozen=True, slots=True)
class Stop:
    """A process stands still for a time, then goes on."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopHolders:
    """Whoever works on the connection, and a mail door, stand still until others have all."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The next answers of the mServer go wrong; the fields are those of its faults."""

    effect: str
    kind: str
    times: int
    after_commit: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SilentDns:
    """No question to DNS is answered for a time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class FullDisk:
    """A disk has no room for a time."""

    disk: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Skew:
    """A process's clock is wrong, from now to the end of the phase's load."""

    name: str
    seconds: int


@dataclass(frozen=True, slots=True)
class Replay:
    """Events that a group had long ago are delivered to it again, as `deadletters replay` does."""

    group: str
    events: int


Deed = Kill | Crash | Stop | StopHolders | Answers | SilentDns | FullDisk | Skew | Replay


@dataclass(frozen=True, slots=True)
class Strike:
    """A deed, so many seconds after the load began, or once the one before is over."""

    at_seconds: float
    deed: Deed


def draw_strikes(random: Random, load_seconds: float) -> tuple[Strike, ...]:
    """Draw some strikes over the time of a load."""
    count = random.randint(LEAST, MOST)
    times = sorted(random.uniform(2, 0.8 * load_seconds) for _ in range(count))
    return tuple(Strike(round(at, 1), _draw(random)) for at in times)


def _draw(random: Random) -> Deed:
    draws = (_kill, _kill, _restart, _crash, _crash, _stop, _holders, _answers, _answers)
    return random.choice((*draws, _dns, _disk, _skew, _skew, _replay))(random)


def _kill(random: Random) -> Deed:
    name = random.choice((*PROCESSES, WAREHOUSE, POSTGRES, KAFKA))
    return Kill(name)


def _restart(random: Random) -> Deed:
    if random.random() < 0.5:
        return Kill(random.choice(PROCESSES), signal.SIGTERM)
    return random.choice((Kill(POSTGRES, signal.SIGINT), Kill(KAFKA, signal.SIGTERM)))


def _crash(random: Random) -> Deed:
    service = random.choice(sorted(_STEPS))
    return Crash(service, random.choice(_STEPS[service]))


def _stop(random: Random) -> Deed:
    name = random.choice((*PROCESSES, WAREHOUSE, POSTGRES, KAFKA))
    return Stop(name, random.choice(STOP_SECONDS))


def _holders(_random: Random) -> Deed:
    return StopHolders()


def _answers(random: Random) -> Deed:
    effect = random.choice(("drop", "hang", "status", "cut", "repeated"))
    return Answers(
        effect=effect,
        kind=random.choice(("stock_list", "movement_list", "order_list", "import", "delete")),
        times=random.randint(1, 3),
        after_commit=effect in {"drop", "hang", "status"} and random.random() < 0.7,
        seconds=random.choice((2.0, 6.0)) if effect == "hang" else 0.0,
    )


def _dns(random: Random) -> Deed:
    return SilentDns(random.choice((3.0, 10.0)))


def _disk(random: Random) -> Deed:
    return FullDisk(random.choice(DISKS), random.choice((2.0, 6.0)))


def _skew(random: Random) -> Deed:
    return Skew(random.choice(SKEWED), random.choice(SKEW_SECONDS))


def _replay(random: Random) -> Deed:
    return Replay(random.choice(GROUPS), random.choice((5, 20)))
