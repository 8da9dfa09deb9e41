"""Logs as keys and values, and the W3C trace context that travels with every call and event."""

import logging
import os
import re
import sys
from collections.abc import Callable
from contextvars import ContextVar
from io import RawIOBase
from threading import Lock
from typing import Any, Final

import structlog

from spojka.settings import Settings

TRACEPARENT: Final = "traceparent"
_FORM: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
_STDERR: Final = 2
_current: ContextVar[str] = ContextVar("traceparent", default="")


def new_traceparent() -> str:
    """Begin a trace (W3C Trace Context, level 1)."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def current_traceparent() -> str:
    """The trace of what runs now; a new one where there is none."""
    return _current.get() or new_traceparent()


def enter_trace(traceparent: str | None) -> str:
    """Make `traceparent` the current one, or begin a trace where it is absent or malformed."""
    trace = traceparent if traceparent and _FORM.match(traceparent) else new_traceparent()
    _current.set(trace)
    structlog.contextvars.bind_contextvars(trace=trace[3:35])
    return trace


class Log:
    """Lines of a log, whole ones in the order of their calls, from any thread.

    A line that can't be written, because the disk is full or nobody reads any
    more, is counted, and never raises: the work that it tells of goes on. The
    count is told as soon as lines can be written again.
    """

    def __init__(self, file: RawIOBase, missed_line: Callable[[int], str]) -> None:
        """`file` is unbuffered, so that nothing waits in between; `missed_line` tells a count."""
        self._file = file
        self._missed_line = missed_line
        self._missed = 0
        self._lock = Lock()

    def msg(self, line: str) -> None:
        """Write a line."""
        with self._lock:
            if self._missed:
                # What was written of the last one may have been a part of it.
                line = f"\n{self._missed_line(self._missed)}\n{line}"
            data = f"{line}\n".encode("utf-8", "backslashreplace")
            try:
                whole = self._file.write(data) == len(data)
            except OSError:
                whole = False
            self._missed = 0 if whole else self._missed + 1

    debug = info = warning = error = critical = exception = msg


def configure_logging(settings: Settings, service: str) -> None:
    """Send structured logs to stderr. Called once, by the process's composition root."""
    level = getattr(logging, settings.log_level.upper())
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )

    def missed_line(count: int) -> str:
        event = "lines of the log could not be written"
        return str(renderer(None, "warning", {"event": event, "level": "warning", "lines": count}))

    log = Log(open(_STDERR, "wb", buffering=0, closefd=False), missed_line)  # noqa: SIM115

    def logger(*_: Any) -> Log:
        return log

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=logger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)
