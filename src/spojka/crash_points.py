"""Named steps at which a test stops a process dead, to prove that nothing is lost there.

In production `reach` returns at once. Where `SPOJKA_CRASH_AT` names a step
(`step` or `step:n`), the process kills itself with SIGKILL when it gets there
for the n-th time, provided that it can create the file `SPOJKA_CRASH_MARK`:
the process that is started in its place goes on.
"""

import os
import signal
from pathlib import Path
from typing import Final, Literal

CrashPoint = Literal[
    # SENT is committed; not a byte of the request has left.
    "import-marked",
    # The partner has answered; the answer is not recorded.
    "import-answered",
    # The transaction of an event is committed; its offset is not stored.
    "event-handled",
    # Kafka has committed a batch; its rows are still in the outbox.
    "batch-published",
]

_WANTED: Final = os.environ.get("SPOJKA_CRASH_AT", "")
_reached = 0


def reach(step: CrashPoint) -> None:
    """Pass a step; die here where a test says so."""
    global _reached  # noqa: PLW0603 - one count a process
    name, _, number = _WANTED.partition(":")
    if name != step:
        return
    _reached += 1
    if _reached == int(number or 1) and _mark():
        os.kill(os.getpid(), signal.SIGKILL)


def _mark() -> bool:
    try:
        Path(os.environ["SPOJKA_CRASH_MARK"]).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
