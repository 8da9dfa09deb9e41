"""One running POHODA: the company, the mServer in front of it, and what disturbs it."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.pohoda.connections import Connections
from sandbox.pohoda.faults import Faults
from sandbox.pohoda.journal import Journal
from sandbox.pohoda.model import Clock, Company
from sandbox.pohoda.mserver import MServer
from sandbox.pohoda.schemas import Schemas
from sandbox.pohoda.settings import Settings
from sandbox.pohoda.state import InMemory, SqliteState
from sandbox.pohoda.worker import Worker

# POHODA knows the local time of its Windows machine only; its users live here.
_ZONE = ZoneInfo("Europe/Prague")
_SCHEMAS_IN_REFERENCE = Path("pohoda", "xsd")


def local_time() -> datetime:
    """Tell the time of the machine, without an offset."""
    return datetime.now(_ZONE).replace(tzinfo=None)


class Installation:
    """The parts of one POHODA, put together."""

    def __init__(
        self,
        settings: Settings,
        *,
        state_path: Path | None = None,
        reference_dir: Path | None = None,
        documents_dir: Path | None = None,
        clock: Clock = local_time,
    ) -> None:
        """Load the saved state, if any.

        `reference_dir` is the folder whose `pohoda/xsd` holds the vendor's schemas; without it,
        requests are checked for the structure that is needed, no more. `documents_dir` is the
        company's folder of documents, for pictures and attachments.
        """
        self.company = Company(clock)
        self.documents_dir = documents_dir
        self.journal = Journal()
        self.faults = Faults()
        self.connections = Connections()
        schemas = Schemas(reference_dir / _SCHEMAS_IN_REFERENCE) if reference_dir else None
        self.mserver = MServer(self.company, settings, schemas)
        self.change_settings(settings)
        state = SqliteState(state_path) if state_path else InMemory()
        tables = (*self.company.tables, self.journal.entries)
        state.load(tables)
        self.worker = Worker(tables, state)

    @property
    def settings(self) -> Settings:
        """How the installation behaves now."""
        return self.mserver.settings

    def change_settings(self, settings: Settings) -> None:
        """Behave by other settings from the next request on."""
        self.mserver.settings = settings
        self.company.movement_bumps_last_changes = settings.movement_bumps_last_changes

    def close(self) -> None:
        """Let the running call end and release the state."""
        self.worker.close()
