"""The report of `spojka up` to a terminal: what starts, how far downloads are, where all is."""

from threading import Lock
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from spojka.servers.jars import FetchProgress
from spojka.supervisor import ChildStatus, State
from spojka.up.admin_key import FILE_NAME as KEY_FILE
from spojka.up.installation import Installation

_PLAIN_STEP_PERCENT: Final = 20
_STYLES: Final = {
    State.RUNNING: "green",
    State.RESTARTING: "yellow",
    State.GAVE_UP: "bold red",
}


class TerminalReport:
    """Prints every step as a line, and a bar while something is fetched."""

    def __init__(self, console: Console) -> None:
        """Print to `console`."""
        self._console = console
        self._lock = Lock()
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._told_percent = 0

    def tell(self, text: str) -> None:
        """Print a step."""
        self._console.print(escape(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a warning."""
        self._console.print(f"[yellow]Warning:[/] {escape(text)}", soft_wrap=True)

    def fetched(self, progress: FetchProgress) -> None:
        """Move the bar; where there is no terminal, print a line now and then."""
        with self._lock:
            if self._console.is_terminal:
                self._move_bar(progress)
            else:
                self._print_percent(progress)

    def changed(self, status: ChildStatus) -> None:
        """Print the state of a process."""
        style = _STYLES.get(status.state, "dim")
        detail = f": {status.detail}" if status.detail else ""
        self._console.print(
            f"  {escape(status.name)} [{style}]{status.state}[/]{escape(detail)}",
            soft_wrap=True,
        )
        if status.state is State.GAVE_UP:
            self._console.print(
                f"[bold red]{escape(status.name)} stays down.[/] Read its log, "
                f"{escape(str(status.log_path))}, mend the cause, and run 'spojka up' again.",
                soft_wrap=True,
            )

    def _move_bar(self, fetched: FetchProgress) -> None:
        if self._progress is None:
            self._progress = Progress(
                TextColumn("  fetching Apache Kafka"),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._task = self._progress.add_task("", total=fetched.total_bytes)
            self._progress.start()
        assert self._task is not None
        self._progress.update(self._task, completed=fetched.done_bytes)
        if fetched.done_bytes >= fetched.total_bytes:
            self._progress.stop()
            self._progress = None

    def _print_percent(self, fetched: FetchProgress) -> None:
        percent = 100 * fetched.done_bytes // max(fetched.total_bytes, 1)
        if percent >= self._told_percent + _PLAIN_STEP_PERCENT:
            self._told_percent = percent
            self._console.print(f"  fetching Apache Kafka: {percent} %")


def overview(installation: Installation) -> Table:
    """Where everything listens, and where it writes its log."""
    table = Table(title="Spojka is up", title_justify="left", box=None, pad_edge=False)
    for column in ("What", "Where", "Process", "Log"):
        table.add_column(column, overflow="fold")
    statuses = {status.name: status for status in installation.supervisor.statuses()}
    for name, where in installation.listening.items():
        status = statuses.get(name)
        pid = str(status.pid) if status and status.pid else "not ours"
        table.add_row(name, where, pid, str(status.log_path) if status else "")
    return table


def closing_lines(installation: Installation) -> list[str]:
    """What the operator does next."""
    data_dir = installation.settings.data_dir
    lines = [f"Data, logs and secrets: {data_dir}"]
    if installation.admin_key is not None:
        lines.append(f"Admin key: {data_dir / KEY_FILE}")
    return [*lines, "Ctrl-C stops everything in order."]
