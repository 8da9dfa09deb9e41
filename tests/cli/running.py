"""Runs the command line as a person would."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from typer.testing import CliRunner, Result

from spojka.cli.main import app

Environment = Mapping[str, str | None]


def run(*arguments: str, env: Environment | None = None, stdin: str | None = None) -> Result:
    """Run a command line in this process, on a thread: commands have event loops of their own."""
    clean = dict.fromkeys(("SPOJKA_ADDRESS", "SPOJKA_API_KEY", "SPOJKA_TENANT", "SPOJKA_TLS_CA"))

    def invoke() -> Result:
        return CliRunner().invoke(
            app, list(arguments), env={**clean, **(env or {})}, input=stdin, prog_name="spojka"
        )

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(invoke).result()


async def call(*arguments: str, env: Environment | None = None, stdin: str | None = None) -> Result:
    """Run a command line beside a running event loop."""
    return await asyncio.to_thread(run, *arguments, env=env, stdin=stdin)
