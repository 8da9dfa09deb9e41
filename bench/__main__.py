"""Measures speed: every figure as a ratio to a ceiling taken in the same run."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from bench.catalogue import ROWS
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
    arguments = parser.parse_args()
    unknown = set(arguments.rows) - ROWS.keys()
    if unknown:
        parser.error(f"unknown rows: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    if arguments.write and (arguments.rows or arguments.quick):
        parser.error("--write wants all rows in their full amounts")
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
    names = arguments.rows or list(ROWS)
    results, origins = asyncio.run(_measured(names, quick=arguments.quick))
    print(conditions(origins))
    print(table(results))
    if arguments.write:
        write(results, origins)
    return int(any(result.met is False for result in results))


if __name__ == "__main__":
    sys.exit(main())
