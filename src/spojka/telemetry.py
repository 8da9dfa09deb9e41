"""Logs as keys and values, and the W3C trace context that travels with every call and event."""

import logging
import os
import re
import sys
from contextvars import ContextVar
from typing import Final

import structlog

from spojka.settings import Settings

TRACEPARENT: Final = "traceparent"
_FORM: Final = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}\Z")
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


def configure_logging(settings: Settings, service: str) -> None:
    """Send structured logs to stderr. Called once, by the process's composition root."""
    level = getattr(logging, settings.log_level.upper())
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
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
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr)
