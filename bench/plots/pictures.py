"""The pictures of docs/performance.md, the same bytes for the same figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.growth.measure import Curve
from bench.memory.measure import Footprint
from bench.result import Result

_STYLE: Final[dict[Any, Any]] = {
    "svg.hashsalt": "spojka",  # ids of paths are hashes; without it they are random
    "svg.fonttype": "none",  # text stays text
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "lines.markersize": 4,
}
_MARKERS: Final = "osD^v"
_MET: Final = "#3a7d44"
_MISSED: Final = "#c1443c"
_MARGIN_SHOWN_MAX: Final = 10.0
_MARGIN_SHOWN_MIN: Final = 0.05


def draw_growth(folder: Path, curves: Sequence[Curve]) -> list[Path]:
    """One picture a side: how long each question takes, against the size, both logarithmic."""
    paths = []
    for side in dict.fromkeys(curve.side for curve in curves):
        with mpl.rc_context(_STYLE):
            figure, axes = _canvas(height=4.2)
            of_side = [curve for curve in curves if curve.side == side]
            of_side.sort(key=lambda curve: -curve.waited[max(curve.waited)].p50_ms)
            for place, curve in enumerate(of_side):
                sizes = sorted(curve.waited)
                axes.plot(
                    sizes,
                    [curve.waited[size].p50_ms for size in sizes],
                    marker=_MARKERS[place // 10 % len(_MARKERS)],
                    label=f"{curve.what} (× {curve.growth:.1f})",
                )
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axes.minorticks_off()
            axes.yaxis.set_major_formatter(lambda value, _place: f"{value:g}")
            axes.set_xlabel(side)
            axes.set_ylabel("p50, milliseconds")
            axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
            paths.append(_save(figure, folder / f"growth-{side}.svg"))
    return paths


def draw_ratios(folder: Path, results: Sequence[Result]) -> Path:
    """How far each row that something is asked of is from that: right of 1 it is met."""
    rows = [(result, result.margin) for result in results if result.margin is not None]
    rows.reverse()
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(height=0.7 + 0.28 * len(rows))
        lengths = [
            min(max(margin, _MARGIN_SHOWN_MIN), _MARGIN_SHOWN_MAX) for _result, margin in rows
        ]
        colours = [_MET if result.met else _MISSED for result, _margin in rows]
        axes.barh(range(len(rows)), lengths, color=colours, height=0.6)
        for place, ((_result, margin), length) in enumerate(zip(rows, lengths, strict=True)):
            axes.text(length * 1.05, place, f"{margin:.2f}", va="center")
        axes.axvline(1, color="black", linewidth=1)
        axes.set_xscale("log")
        axes.set_xlim(_MARGIN_SHOWN_MIN, _MARGIN_SHOWN_MAX * 1.6)
        axes.set_xticks([0.1, 0.2, 0.5, 1, 2, 5, 10], ["0.1", "0.2", "0.5", "1", "2", "5", "10"])
        axes.minorticks_off()
        axes.set_yticks(
            range(len(rows)), [f"{result.what} ({result.asked})" for result, _margin in rows]
        )
        axes.set_xlabel("what was measured, in multiples of what is asked")
        return _save(figure, folder / "ratios.svg")


def draw_memory(folder: Path, footprints: Sequence[Footprint]) -> Path:
    """Each process idle, at most under load, and a while later; in the bars, what is its own."""
    moments = {"idle": "#9ecae1", "under load, at most": "#3182bd", "a minute later": "#6baed6"}
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(height=3.4)
        for place, (moment, colour) in enumerate(moments.items()):
            sizes = [(each.idle, each.load, each.later)[place] for each in footprints]
            at = [number + (place - 1) * 0.27 for number in range(len(footprints))]
            axes.bar(at, [size.resident_mib for size in sizes], 0.25, color=colour, label=moment)
            axes.bar(
                at, [size.own_mib for size in sizes], 0.25, fill=False, hatch="///", linewidth=0.3
            )
        axes.set_xticks(range(len(footprints)), [each.process for each in footprints])
        axes.set_ylabel("MiB resident (hatched: its own)")
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
        return _save(figure, folder / "memory.svg")


def _canvas(*, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.5, height))
    return figure, figure.subplots()


def _save(figure: Figure, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})
    return path
