"""The table of what was measured."""

from collections.abc import Sequence

from proof.network.hosts import HOSTS
from proof.network.scenario import Outcome

_HEAD = (
    "fault",
    "lasts",
    *(f"order at {host}: taken / in the warehouse" for host in HOSTS),
    "rest",
)


def table(outcomes: Sequence[Outcome], seed: int) -> str:
    """All outcomes, in Markdown; times in seconds from the fault on, rest from its end on."""
    lines = [
        "| " + " | ".join(_HEAD) + " |",
        "| --- " + "| ---: " * (len(_HEAD) - 1) + "|",
        *map(_row, outcomes),
        "",
        _note(outcomes, seed),
    ]
    return "\n".join(lines) + "\n"


def _note(outcomes: Sequence[Outcome], seed: int) -> str:
    orders = sum(outcome.orders for outcome in outcomes)
    mails = sum(outcome.mails for outcome in outcomes)
    return (
        f"Seed {seed}; {orders} orders and {mails} mails, judged after each fault: nothing lost, "
        "nothing twice. Times in seconds, the slowest of five orders placed at each edge when the "
        "fault had just happened; `rest` is from its end until nothing was under way."
    )


def _row(outcome: Outcome) -> str:
    cells = [
        outcome.fault.what,
        f"{outcome.lasted_seconds:.0f}",
        *(f"{each.taken_seconds:.1f} / {each.known_seconds:.1f}" for each in outcome.trials),
        f"{outcome.rest_seconds:.0f}",
    ]
    return "| " + " | ".join(cells) + " |"
