"""Proves that nothing is lost or doubled on two hosts and three brokers, whatever the network does.

Prints a table of how long each fault was felt. Wants root on Linux; elsewhere
it says why nothing was run, and ends with status 0.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from proof.network import isolation, world
from proof.network.faults import FAULTS, Fault
from proof.network.report import table
from proof.network.scenario import Outcome, play
from spojka.servers.kafka import EmbeddedKafka
from spojka.servers.kafka_program import Installation
from spojka.servers.server import ServerError
from spojka.settings import Settings
from spojka.telemetry import configure_logging

SEED: Final = 20261122


def main() -> int:
    """Run what was asked for; 1 where the judgement complains."""
    arguments = _arguments()
    configure_logging(Settings(log_level="error"), "proof")
    chosen = [fault for fault in FAULTS if fault.name in arguments.faults or not arguments.faults]
    if not isolation.is_inside():
        reason = isolation.lacks() or asyncio.run(_kafka_lacks())
        if reason is not None:
            print(f"not run: {reason}")
            return 0
        isolation.begin_again_inside(sys.argv[1:])
    isolation.make_private_names()
    folder = Path(tempfile.mkdtemp(prefix="spojka-network-"))
    folder.chmod(0o755)  # PostgreSQL does not run as root
    try:
        outcomes = asyncio.run(_play(folder, chosen, arguments.seed))
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise
    except AssertionError as error:
        print(error, file=sys.stderr)
        print(*getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        print(f"logs are kept in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    text = table(outcomes, arguments.seed)
    print(text)
    if arguments.write is not None:
        arguments.write.write_text(text, encoding="utf-8")
    return 0


async def _play(folder: Path, faults: Sequence[Fault], seed: int) -> list[Outcome]:
    outcomes = []
    async with world.running(folder, await _kafka(), seed) as running:
        for fault in faults:
            print(f"{fault.name}: {fault.what} …", file=sys.stderr, flush=True)
            outcome = await play(running, fault)
            outcomes.append(outcome)
            print(table([outcome], seed), file=sys.stderr, flush=True)
    return outcomes


async def _kafka_lacks() -> str | None:
    # Asked for before the network is ours: what has to be fetched can't be reached from there.
    try:
        await _kafka()
    except ServerError as error:
        return str(error)
    return None


async def _kafka() -> Installation:
    # Only what it runs on is asked for: data and log are those of nobody.
    return await EmbeddedKafka(data=Path("unused"), log_path=Path("unused")).install()


def _arguments() -> argparse.Namespace:
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="python -m proof.network", description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="fault", help=f"any of {', '.join(names)}")
    parser.add_argument("--seed", type=int, default=SEED, help="what chance is drawn from")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table there, too")
    arguments = parser.parse_args()
    unknown = set(arguments.faults) - set(names)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
