"""The memory of each process of an installation: idle, under load, after it, a while later."""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.memory.house import House, open_house
from bench.memory.load import Load
from bench.memory.sizes import Size, size_of

CARDS: Final = 10_000
QUICK_CARDS: Final = 1_000
SETTLE_SECONDS: Final = 10.0
LOAD_SECONDS: Final = 60.0
QUICK_LOAD_SECONDS: Final = 10.0
LATER_SECONDS: Final = 60.0
QUICK_LATER_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """One process: `load` is the most that was seen while the load went on."""

    process: str
    idle: Size
    load: Size
    after: Size
    later: Size


async def measure_memory(*, quick: bool) -> list[Footprint]:
    """Run an installation of its own with its own servers; the processes in their order."""
    cards, load_seconds, later_seconds = (
        (QUICK_CARDS, QUICK_LOAD_SECONDS, QUICK_LATER_SECONDS)
        if quick
        else (CARDS, LOAD_SECONDS, LATER_SECONDS)
    )
    with tempfile.TemporaryDirectory(prefix="spojka-bench-") as name:
        folder = Path(name)
        # PostgreSQL runs as another user where the bench is run as root.
        folder.chmod(0o755)  # noqa: ASYNC240 - a moment, before anything runs
        async with open_house(folder, cards) as house:
            await asyncio.sleep(SETTLE_SECONDS)
            idle = _sizes(house)
            load = Load(house)
            await load.confirm()
            most = await _most_during(house, load, load_seconds)
            after = _sizes(house)
            await asyncio.sleep(later_seconds)
            later = _sizes(house)
    return [
        Footprint(process, size, most[process], after[process], later[process])
        for process, size in idle.items()
    ]


async def _most_during(house: House, load: Load, seconds: float) -> Mapping[str, Size]:
    most = _sizes(house)
    loading = asyncio.create_task(load.run(seconds))
    while not loading.done():
        await asyncio.wait([loading], timeout=LOOK_SECONDS)
        for process, size in _sizes(house).items():
            most[process] = max(most[process], size, key=lambda each: each.resident_mib)
    await loading
    return most


def _sizes(house: House) -> dict[str, Size]:
    """Of each service's process. Raises RuntimeError where one is away."""
    found = {}
    for instance in house.installation.instances:
        status = house.installation.status_of(instance.name)
        if status.pid is None:
            raise RuntimeError(f"{instance.name} does not run: {status.detail}")
        found[instance.name] = size_of(status.pid)
    return found
