"""Parts of the mail service in processes of their own, which tests measure and kill."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.mail_ingest.desk import DOMAIN, SEALING_KEYS

START_SECONDS: Final = 30.0


@asynccontextmanager
async def running_at_port(
    program: Path, database_url: str, **settings: object
) -> AsyncIterator[tuple[Process, int]]:
    """Run a program that prints the port of its door; it is killed where it outlives the block."""
    environment = os.environ | {
        "SPOJKA_DATABASE_URL": database_url,
        "SPOJKA_SEALING_KEYS": SEALING_KEYS,
        "SPOJKA_MAIL_DOMAIN": DOMAIN,
        "SPOJKA_SMTP_PORT": "0",
    }
    environment |= {f"SPOJKA_{name.upper()}": str(value) for name, value in settings.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, program, env=environment, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            port = int(await process.stdout.readline())
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
