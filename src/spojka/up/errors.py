"""What an operator is told when Spojka can't be run as asked: each message is for them to read."""

from typing import Final

from spojka.bootstrap import BootstrapError
from spojka.delivery.admin import TopicMismatchError
from spojka.errors import RequestError
from spojka.migrations import MigrationError
from spojka.servers.server import ServerError
from spojka.settings import SettingsError
from spojka.supervisor import SupervisorError


class UpError(Exception):
    """Spojka can't be run as asked; the message says why and what to do."""


FAILURES: Final = (
    UpError,
    SettingsError,
    ServerError,
    SupervisorError,
    MigrationError,
    BootstrapError,
    TopicMismatchError,
    RequestError,
)
"""Everything that `running` raises for the operator; anything else is a fault of Spojka."""
