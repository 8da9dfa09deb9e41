"""`spojka demo`: everything on this machine with stand-ins for the partners, and a story."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from spojka.cli.commands import INTERRUPTED
from spojka.cli.errors import said
from spojka.demonstration import (
    Demonstration,
    DemonstrationMissing,
    StoryFailed,
    registered_demonstration,
)
from spojka.settings import load_settings
from spojka.supervisor import wait_for_stop_signal
from spojka.up import FAILURES, UpOptions, running
from spojka.up.terminal import TerminalReport

FOLDER: Final = "demo"
"""Below the data directory of `spojka up`: a merchant's data and the demo's never meet."""

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    once: Annotated[
        bool,
        typer.Option("--once", help="End when the story is told, not at Ctrl-C."),
    ] = False,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Where data, logs and secrets are [SPOJKA_DATA_DIR/demo]"),
    ] = None,
) -> None:
    """Run everything with stand-ins for a warehouse, shops and banks, and tell what happens.

    The exit code is 0 only where every step was as told.
    """
    console = Console()
    with said(*FAILURES, DemonstrationMissing, StoryFailed):
        demonstration = registered_demonstration()
        settings = load_settings()
        home = data_dir or settings.data_dir / FOLDER
        options = UpOptions(
            settings=demonstration.prepared(settings.model_copy(update={"data_dir": home})),
            free_ports=True,
            report=TerminalReport(console),
        )
        show = _Show(demonstration, options, console, once=once)
        asyncio.run(show.run())
    if not show.told:
        raise typer.Exit(INTERRUPTED)


@dataclass(slots=True)
class _Show:
    """One run of the demonstration. `told` says afterwards whether the story came to its end."""

    demonstration: Demonstration
    options: UpOptions
    console: Console
    once: bool
    told: bool = False

    async def run(self) -> None:
        """Play until the end or until the process is asked to end; then stop in order."""
        work = asyncio.create_task(self._play())
        asked = asyncio.create_task(wait_for_stop_signal())
        await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
        if asked.done():
            self.console.print("Stopping …")
            work.cancel()
        asked.cancel()
        with suppress(asyncio.CancelledError):
            await work
        self.console.print("Stopped.")

    async def _play(self) -> None:
        async with (
            running(self.options) as installation,
            self.demonstration.told(installation, self.console),
        ):
            self.told = True
            if not self.once:
                self.console.print("It stays up. Ctrl-C stops everything in order.")
                await asyncio.Event().wait()
