"""What the supervisor is told about a process that it keeps running."""

import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Probe = Callable[[], Awaitable[str | None]]
"""Asks a started child whether it serves: None when it does, else what it still waits for.

Called every few hundred milliseconds until it answers None. It may take a second, not more, and
returns the reason instead of raising.
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group a child runs as, by number."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One process to keep running.

    Children with a higher `stop_group` are started first and stopped last: what others need has a
    high number. `env` is the child's whole environment. `stop_signal` asks it to end, and
    `orphan_signal` is what it gets when the supervisor itself dies (on Linux; elsewhere it is
    killed). `account` is for a supervisor that runs as root: the child gives up root before it
    is executed.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    log_path: Path
    ready: Probe
    stop_group: int = 0
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    ready_timeout_s: float = 60.0
    stop_timeout_s: float = 20.0
    account: Account | None = None
    cwd: Path | None = None


async def always_ready() -> str | None:
    """Be the probe of a child that has nothing to ask: it serves as soon as it runs."""
    return None
