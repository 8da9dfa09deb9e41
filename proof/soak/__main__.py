"""`python -m proof.soak`: runs a soak and says what it found."""

import argparse
import asyncio
import random
import signal
import sys
from pathlib import Path

from proof.soak.report import Summary
from proof.soak.run import soak

SEEDS = 1_000_000


def main() -> int:
    """Run it; 0 where everything agreed."""
    parser = argparse.ArgumentParser(prog="python -m proof.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    parser.add_argument("--seed", type=int, help="what is done and struck follows from it")
    parser.add_argument("--phase", type=int, help="run this phase of the seed alone")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write a section in Markdown")
    options = parser.parse_args()
    seed = random.randrange(SEEDS) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    try:
        summary = asyncio.run(_stoppable(seed, options.minutes, options.phase))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 130
    print(f"\n{summary}")
    if options.write is not None:
        options.write.write_text(summary.markdown())
    return 1 if summary.failure else 0


async def _stoppable(seed: int, minutes: float, phase: int | None) -> Summary:
    """Run it so that SIGTERM ends it in order: processes end, disks are unmounted."""
    task = asyncio.ensure_future(soak(seed, minutes, phase))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


if __name__ == "__main__":
    sys.exit(main())
