"""One line of the table: what was measured, and whether it is what was asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """A figure beside its ceiling. `met` is None for a figure that nothing was asked of.

    The load is the machine's average of a minute, before and after the row.
    `margin` is the figure in multiples of what is asked, from 1 on met.
    """

    what: str
    figure: str
    ceiling: str
    ratio: str
    asked: str
    met: bool | None
    load_before: float = 0.0
    load_after: float = 0.0
    margin: float | None = None


def rate_against(
    what: str, unit: str, figure: float, ceiling: float, *, at_least: float | None
) -> Result:
    """A rate (more is better) as a share of its ceiling."""
    share = figure / ceiling
    return Result(
        what=what,
        figure=f"{figure:,.0f} {unit}",
        ceiling=f"{ceiling:,.0f} {unit}",
        ratio=f"{share:.2f}",
        asked="" if at_least is None else f"≥ {at_least:g}",
        met=None if at_least is None else share >= at_least,
        margin=None if at_least is None else share / at_least,
    )


def time_against(what: str, figure_ms: float, ceiling_ms: float, *, at_most: float) -> Result:
    """A duration (less is better) as a multiple of its ceiling."""
    multiple = figure_ms / ceiling_ms
    return Result(
        what=what,
        figure=f"{figure_ms:.1f} ms",
        ceiling=f"{ceiling_ms:.1f} ms",
        ratio=f"{multiple:.2f}",
        asked=f"≤ {at_most:g}",
        met=multiple <= at_most,
        margin=at_most / multiple,
    )


def absolute(what: str, figure: float, unit: str, *, below: float | None = None) -> Result:
    """A figure that may have to stay below a bound of its own."""
    return Result(
        what=what,
        figure=f"{figure:,.2f} {unit}",
        ceiling="",
        ratio="",
        asked="" if below is None else f"< {below:g} {unit}",
        met=None if below is None else figure < below,
        margin=None if below is None else below / figure,
    )


def rate(what: str, unit: str, figure: float) -> Result:
    """A rate that nothing is asked of."""
    return Result(what, figure=f"{figure:,.0f} {unit}", ceiling="", ratio="", asked="", met=None)
