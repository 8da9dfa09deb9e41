"""Prints the story, with what was measured."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from typing import Final

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.banks import GaveUp, LoopbackMissing, Refused
from sandbox.demo.expectations import Unexpected
from sandbox.demo.figures import Figures
from sandbox.shops import NotShown
from spojka.demonstration import StoryFailed
from spojka.errors import RequestError
from spojka.supervisor import SupervisorError

COLUMNS: Final = ("on hand", "reserved", "held", "available", "e-shop", "market")
LABEL_CHARACTERS: Final = 30
_NOT_AS_TOLD: Final = (
    *(Unexpected, NotShown, RequestError, SupervisorError, httpx.HTTPError),
    *(Refused, GaveUp, LoopbackMissing),
)
"""What a step that goes wrong raises; anything else is a fault of the demo itself."""


class Narrator:
    """The voice of the story on one terminal."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console
        self._chapters = 0
        self.steps_passed = 0

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._chapters += 1
        self._console.print()
        self._console.rule(f"[bold]{self._chapters}. {escape(title)}", align="left")

    def say(self, text: str) -> None:
        """Tell what happens, in plain words."""
        self._console.print(escape(text))

    def quote(self, text: str) -> None:
        """Show what Spojka or a partner says, word for word."""
        self._console.print(f"    [italic cyan]{escape(text)}[/]")

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """Expect something; the block looks whether it is so. Raises StoryFailed."""
        started = time.monotonic()
        waiting = self._console.status(escape(name)) if self._console.is_terminal else nullcontext()
        try:
            with waiting:
                yield
        except _NOT_AS_TOLD as error:
            self._console.print(f"  [bold red]✗[/] {escape(name)}")
            told = str(error) or type(error).__name__
            raise StoryFailed(f"The demo stopped at the step {name!r}: {told}") from error
        self.steps_passed += 1
        took = seconds(time.monotonic() - started)
        self._console.print(f"  [green]✓[/] {escape(name)} [dim]({took})[/]")

    def heading(self, what: str) -> None:
        """Head the rows of figures that follow."""
        self._console.print()
        self._row(what, COLUMNS, "bold")

    def figures(self, moment: str, figures: Figures) -> None:
        """Print the figures of a moment as a row."""
        self._row(moment, figures.cells(), "")

    def table(self, title: str, rows: Sequence[tuple[str, str]]) -> None:
        """Print names and values."""
        table = Table(title=title, title_justify="left", box=None, show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(escape(name), escape(value))
        self._console.print()
        self._console.print(table)

    def commands(self, lines: Sequence[str]) -> None:
        """Print commands to try, whole, so that they can be copied."""
        for line in lines:
            self._console.print(f"  [green]{escape(line)}[/]", soft_wrap=True, highlight=False)

    def _row(self, label: str, cells: Sequence[str], style: str) -> None:
        text = label[:LABEL_CHARACTERS].ljust(LABEL_CHARACTERS)
        text += "".join(
            cell.rjust(len(column) + 2) for cell, column in zip(cells, COLUMNS, strict=True)
        )
        self._console.print(escape(text), style=style, soft_wrap=True, highlight=False)


def seconds(duration: float) -> str:
    """A duration for people."""
    return f"{duration * 1000:.0f} ms" if duration < 1 else f"{duration:.1f} s"
