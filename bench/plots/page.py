"""The tables of docs/performance.md, each between two marks."""

from collections.abc import Sequence
from typing import Final

from bench.growth.measure import Curve
from bench.memory.measure import Footprint
from bench.plots.figures import Conditions
from bench.plots.places import PAGE
from bench.report import markdown_table, put_between

PICTURES: Final = {
    "growth": "\n\n".join(
        f"![{side.title()}](pictures/growth-{side}.svg)" for side in ("items", "orders", "payments")
    ),
    "memory": "![Memory of each process](pictures/memory.svg)",
}


def growth_table(curves: Sequence[Curve]) -> str:
    """All questions of all sides, with their medians at each size."""
    sizes = sorted(curves[0].waited)
    head = ("", *(f"p50 at {size:,}" for size in sizes), f"p95 at {sizes[-1]:,}", "grows")
    rows = [
        (
            f"{curve.side}: {curve.what}",
            *(f"{curve.waited[size].p50_ms:.1f} ms" for size in sizes),
            f"{curve.waited[sizes[-1]].p95_ms:.1f} ms",
            f"× {curve.growth:.1f}",
        )
        for curve in curves
    ]
    return markdown_table([head, *rows])


def memory_table(footprints: Sequence[Footprint]) -> str:
    """Resident and own memory of each process at each moment."""
    head = ("process", "idle", "under load, at most", "right after", "later")
    rows = [
        (
            each.process,
            *(
                f"{size.resident_mib:.0f} ({size.own_mib:.0f}) MiB"
                for size in (each.idle, each.load, each.after, each.later)
            ),
        )
        for each in footprints
    ]
    return markdown_table([head, *rows])


def write_page(mark: str, taken: Conditions, table: str) -> None:
    """Put a table with its pictures and conditions between its marks. Raises ValueError without."""
    put_between(PAGE, mark, f"{PICTURES[mark]}\n\n{taken}\n\n{table}")
