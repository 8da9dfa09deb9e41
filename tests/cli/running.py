"""Runs the command line as a person would."""

import asyncio
from collections.abc import Mapping

from typer.testing import CliRunner, Result

from spojka.cli.main import app


def run(*arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None) -> Result:
    """Run a command line in this process."""
    clean = {
        name: None
        for name in ("SPOJKA_ADDRESS", "SPOJKA_API_KEY", "SPOJKA_TENANT", "SPOJKA_TLS_CA")
    }
    return CliRunner().invoke(
        app, list(arguments), env={**clean, **(env or {})}, input=stdin, prog_name="spojka"
    )


async def call(
    *arguments: str, env: Mapping[str, str] | None = None, stdin: str | None = None
) -> Result:
    """Run a command line beside a running event loop."""
    return await asyncio.to_thread(run, *arguments, env=env, stdin=stdin)
