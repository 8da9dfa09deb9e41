"""`spojka up`: everything on this machine, until Ctrl-C."""

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from spojka.cli.errors import CommandError, said
from spojka.settings import load_settings
from spojka.supervisor import wait_for_stop_signal
from spojka.up import FAILURES, UpOptions, running
from spojka.up.terminal import TerminalReport, closing_lines, overview

app = typer.Typer(add_completion=False)


@app.command()
def up(
    instances: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE=NUMBER", help="How many processes of a service; repeatable."),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data, logs and secrets are [SPOJKA_DATA_DIR]")
    ] = None,
    free_ports: Annotated[
        bool, typer.Option(help="Take any free ports in place of those of the settings.")
    ] = False,
) -> None:
    """Run PostgreSQL, Kafka and every service on this machine, until Ctrl-C."""
    console = Console()
    with said(*FAILURES):
        settings = load_settings()
        if data_dir is not None:
            settings = settings.model_copy(update={"data_dir": data_dir})
        options = UpOptions(
            settings=settings,
            instances=_counts(instances or []),
            free_ports=free_ports,
            report=TerminalReport(console),
        )
        asyncio.run(_run(options, console))


async def _run(options: UpOptions, console: Console) -> None:
    """Run until the process is asked to end, also while it still starts; then stop in order."""
    up = asyncio.Event()
    work = asyncio.create_task(_serve(options, console, up))
    asked = asyncio.create_task(wait_for_stop_signal())
    await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
    if asked.done():
        console.print("Stopping …")
        work.cancel()
    asked.cancel()
    with suppress(asyncio.CancelledError):
        await work
    console.print("Stopped.")
    if not up.is_set():
        # A download goes on in its thread. It is not waited for: the next start takes it up.
        sys.stdout.flush()
        os._exit(0)


async def _serve(options: UpOptions, console: Console, up: asyncio.Event) -> None:
    async with running(options) as installation:
        up.set()
        console.print()
        console.print(overview(installation))
        for line in closing_lines(installation):
            console.print(line, soft_wrap=True)
        await asyncio.Event().wait()


def _counts(texts: list[str]) -> dict[str, int]:
    counts = {}
    for text in texts:
        service, _, number = text.partition("=")
        if not service or not number.isdigit():
            raise CommandError(f"--instances {text!r} wants SERVICE=NUMBER, such as stock=2")
        counts[service] = int(number)
    return counts
