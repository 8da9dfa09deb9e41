"""Measures growth and memory, keeps the figures, draws them, and writes them into the page."""

import os
import sys

from bench.growth.measure import QUICK_SIZES, SIDES, SIZES, Curve, measure_side
from bench.memory.measure import measure_memory
from bench.plots import figures
from bench.plots.page import growth_table, memory_table, write_page
from bench.plots.pictures import draw_growth, draw_memory, draw_ratios
from bench.plots.places import PICTURES, QUICK_PICTURES
from bench.stage import servers, stage


async def measure_and_draw(*, quick: bool) -> None:
    """Take the figures anew. The smaller amounts go into `build`, and the page stays as it is."""
    folder = QUICK_PICTURES if quick else PICTURES
    load = os.getloadavg()[0]
    curves: list[Curve] = []
    async with servers() as running:
        for side in SIDES:
            async with stage(running, quick=quick) as fresh:
                curves += await measure_side(fresh, side, QUICK_SIZES if quick else SIZES)
    figures.keep_growth(folder, curves, figures.conditions(load))
    load = os.getloadavg()[0]
    figures.keep_memory(folder, await measure_memory(quick=quick), figures.conditions(load))
    draw(quick=quick)


def draw(*, quick: bool) -> None:
    """Draw the figures that are kept. Raises FileNotFoundError where growth or memory is not."""
    folder = QUICK_PICTURES if quick else PICTURES
    curves, growth_taken = figures.kept_growth(folder)
    footprints, memory_taken = figures.kept_memory(folder)
    paths = [*draw_growth(folder, curves), draw_memory(folder, footprints)]
    if (folder / figures.ROWS).exists():
        paths.append(draw_ratios(folder, figures.kept_rows(folder)[0]))
    for path in paths:
        print(path, file=sys.stderr)
    print(growth_table(curves), memory_table(footprints), sep="\n\n")
    if not quick:
        write_page("growth", growth_taken, growth_table(curves))
        write_page("memory", memory_taken, memory_table(footprints))
