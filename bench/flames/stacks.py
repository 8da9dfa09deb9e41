"""What py-spy saw, as a tree of frames."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

SERVE: Final = "serve "
"""In the command of a process that runs a service; its name follows."""
BENCH: Final = "-m bench"
_NOT_SHOWN: Final = ("importlib", "tempfile.py", "shutil.py", "subprocess.py", "migrations.py")
"""Files of what goes before and after: imports, folders, processes and tables made and removed."""
_SCAFFOLD: Final = (
    *("(asyncio/", "runpy>)", "__main__.py)", "(contextlib.py)", "(threading.py)"),
    *("(typer/", "/typer/", "spojka/cli/", "(selectors.py)", "(concurrent/futures/"),
)
"""Frames that stand between everything, and say nothing."""


@dataclass(slots=True)
class Frame:
    """A function where it was called from; `samples` are those of all that it called, too."""

    name: str
    samples: int = 0
    called: dict[str, "Frame"] = field(default_factory=dict)

    def add(self, stack: Iterable[str], samples: int) -> None:
        """Count a stack below this frame."""
        frame = self
        frame.samples += samples
        for name in stack:
            frame = frame.called.setdefault(name, Frame(name))
            frame.samples += samples


def read_stacks(collapsed: str) -> Frame:
    """The services' processes by their names, or the bench's own where it started none.

    One line is a stack, outermost first, its frames parted by semicolons, and
    how often it was seen.
    """
    by_process: dict[str, Frame] = {}
    for line in collapsed.splitlines():
        stack, _, samples = line.rpartition(" ")
        name, frames = _of_process(stack.split(";"))
        if name and not any(part in frame for frame in frames for part in _NOT_SHOWN):
            shown = [_tidy(frame) for frame in frames if not _scaffold(frame)]
            by_process.setdefault(name, Frame(name)).add(shown or ["the event loop"], int(samples))
    services = [frame for name, frame in by_process.items() if name != BENCH]
    roots = services or list(by_process.values())
    root = Frame("all", sum(frame.samples for frame in roots))
    root.called = {frame.name: frame for frame in sorted(roots, key=lambda each: each.name)}
    return root


def _of_process(stack: list[str]) -> tuple[str, list[str]]:
    """The service whose stack it is (BENCH for the bench, empty for others), and its own frames.

    A process stands below the one that started it, each as `process 123:"its command"`.
    """
    starts = [place for place, frame in enumerate(stack) if frame.startswith("process ")]
    if not starts:
        return "", stack
    command = stack[starts[-1]].partition(":")[2].strip('"')
    frames = stack[starts[-1] + 1 :]
    if f" {SERVE}" in command:
        return command.rpartition(SERVE)[2].split()[0], frames
    return (BENCH if BENCH in command and f"{BENCH}." not in command else ""), frames


def _scaffold(frame: str) -> bool:
    return any(part in frame for part in _SCAFFOLD)


def _tidy(frame: str) -> str:
    """A function and its file, from the package on."""
    function, _, place = frame.rpartition(" (")
    parts = place.rstrip(")").split("/")
    for root in ("src", "site-packages"):
        if root in parts:
            parts = parts[parts.index(root) + 1 :]
    return f"{function} ({'/'.join(parts[-3:])})"
