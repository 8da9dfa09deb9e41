"""Measures speed: every figure as a ratio to a ceiling taken in the same run."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from bench.catalogue import ROWS
from bench.plots import figures
from bench.plots.places import PICTURES, QUICK_PICTURES
from bench.report import README, conditions, table, write
from bench.result import Result
from bench.stage import servers, stage
from spojka.settings import Settings
from spojka.telemetry import configure_logging


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"any of {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="smaller amounts, for a first look")
    parser.add_argument("--write", action="store_true", help=f"put the table into {README.name}")
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--plots",
        action="store_true",
        help="measure growth and memory instead, and draw the pictures of docs/performance.md",
    )
    other.add_argument("--redraw", action="store_true", help="draw them from the figures kept")
    other.add_argument("--flame", metavar="ROW", choices=ROWS, help="draw a row's flame graph")
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - ROWS.keys()
    if unknown:
        parser.error(f"unknown rows: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if arguments.write and (arguments.rows or arguments.quick):
        parser.error("--write wants all rows in their full amounts")
    if arguments.rows and (arguments.plots or arguments.redraw or arguments.flame):
        parser.error("--plots, --redraw and --flame stand alone: they measure no rows")
    return arguments


async def _measured(names: Sequence[str], *, quick: bool) -> tuple[list[Result], Sequence[str]]:
    results: list[Result] = []
    async with servers() as running:
        for name in names:
            before = os.getloadavg()[0]
            async with stage(running, quick=quick) as fresh:
                found = await ROWS[name](fresh)
            after = os.getloadavg()[0]
            found = [replace(result, load_before=before, load_after=after) for result in found]
            for result in found:
                print(f"{result.what}: {result.figure} ({result.ratio})", file=sys.stderr)
            results += found
    return results, running.origins


def main() -> int:
    """Measure and print; 1 where something that was asked for was not met."""
    arguments = _arguments()
    configure_logging(Settings(log_level="warning"), "bench")
    if arguments.plots or arguments.redraw or arguments.flame:
        _draw(arguments)
        return 0
    load = os.getloadavg()[0]
    names = arguments.rows or list(ROWS)
    results, origins = asyncio.run(_measured(names, quick=arguments.quick))
    print(conditions(origins))
    print(table(results))
    if arguments.write:
        write(results, origins)
        figures.keep_rows(PICTURES, results, figures.conditions(load))
    return int(any(result.met is False for result in results))


def _draw(arguments: argparse.Namespace) -> None:
    # What draws comes with the extra `bench`, which measuring rows does without.
    from bench.flames.record import record
    from bench.plots.run import draw, measure_and_draw

    if arguments.flame:
        print(record(arguments.flame, QUICK_PICTURES))
    elif arguments.redraw:
        try:
            draw(quick=arguments.quick)
        except FileNotFoundError as error:
            sys.exit(f"{error.filename} is not there: measure first, with --plots")
    else:
        asyncio.run(measure_and_draw(quick=arguments.quick))


if __name__ == "__main__":
    sys.exit(main())
