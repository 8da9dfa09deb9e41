"""`spojka verify` as an operator runs it, at every judgement."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from typing import Any, Final

from tests.faults.system import System

AGREES: Final = 0
DIFFERS: Final = 1
DEADLINE_SECONDS: Final = 600.0
TOLD_MAX: Final = 10


async def verification_complaints(system: System) -> list[str]:
    """Let every service's books be derived anew from its facts; say what differs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spojka", "verify", "--json"),
        env=os.environ | {"SPOJKA_DATA_DIR": str(system.settings.data_dir)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            output, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return [f"spojka verify did not end within {DEADLINE_SECONDS:g} s"]
    if process.returncode == AGREES:
        return []
    if process.returncode != DIFFERS:
        return [f"spojka verify could not verify: {errors.decode()}"]
    return list(_differences(json.loads(output)))


def _differences(report: dict[str, Any]) -> Iterator[str]:
    for service in report["services"]:
        for difference in service["differences"][:TOLD_MAX]:
            told = json.dumps(difference, ensure_ascii=False)
            yield f"spojka verify, {service['service']}: {told}"
