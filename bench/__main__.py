"""`make bench`: every figure as a ratio to a ceiling taken in the same run."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from bench.report import HERE, machine, table, write
from bench.result import Result
from bench.rows.catalogue import ROWS
from bench.stage import Servers, servers, stage


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="row", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="smaller amounts, for a first look")
    parser.add_argument("--write", action="store_true", help=f"put the table into {HERE.name}")
    return parser.parse_args()


async def _measure(names: list[str], *, quick: bool) -> tuple[list[Result], Servers]:
    results: list[Result] = []
    async with servers() as running:
        print(*running.origins, sep="\n", file=sys.stderr)
        for name in names:
            load = os.getloadavg()[0]
            async with stage(running, quick=quick) as fresh:
                found = await ROWS[name](fresh)
            for result in found:
                print(f"{result.line()}   (load before: {load:.1f})", file=sys.stderr)
            results += found
    return results, running


def main() -> None:
    arguments = _arguments()
    results, running = asyncio.run(
        _measure(arguments.rows or list(ROWS), quick=arguments.quick)
    )
    print(machine(running))
    print(table(results))
    if arguments.write:
        write(Path(HERE), results, running)


main()
