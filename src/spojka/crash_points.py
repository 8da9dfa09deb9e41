"""Named steps at which a test stops a process dead, to prove that nothing is lost there.

In production `reach` returns at once. Where `SPOJKA_CRASH_ORDERS` names a
folder, a process that comes to a step removes the file of the step's name
there and kills itself with SIGKILL: one file is one death, whenever a test
puts it there, and the process that is started in its place goes on.
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
    # A mail is committed; its sender has no answer.
    "mail-stored",
    # Mails are taken out of turn for judging; nothing was judged.
    "mail-claimed",
    # A mail is judged; nothing is written down of it.
    "mail-judged",
    # What came of mails is written; it is not committed.
    "mail-recorded",
    # It is committed, with the events; the relay has no hint.
    "mail-told",
]

ORDERS_VARIABLE: Final = "SPOJKA_CRASH_ORDERS"
_ORDERS: Final = os.environ.get(ORDERS_VARIABLE, "")


def reach(step: CrashPoint) -> None:
    """Pass a step; die here where a test says so."""
    if _ORDERS and _is_ordered(step):
        os.kill(os.getpid(), signal.SIGKILL)


def _is_ordered(step: CrashPoint) -> bool:
    try:
        # Of several processes that get here, one removes the file.
        Path(_ORDERS, step).unlink()
    except FileNotFoundError:
        return False
    return True
