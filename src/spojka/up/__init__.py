"""Spojka as a whole on one machine: what `spojka up` runs, for the command, the demo and tests."""

from spojka.up.errors import FAILURES, UpError
from spojka.up.installation import Installation
from spojka.up.report import Report, Silence
from spojka.up.run import UpOptions, running
from spojka.up.status_file import Status, read_status

__all__ = [
    "FAILURES",
    "Installation",
    "Report",
    "Silence",
    "Status",
    "UpError",
    "UpOptions",
    "read_status",
    "running",
]
