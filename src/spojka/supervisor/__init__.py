"""Keeps processes running on one machine: order, restarts, logs, and no orphans."""

from spojka.supervisor.child import Account, Child, Probe, always_ready
from spojka.supervisor.errors import ChildGaveUpError, DirectoryInUseError, SupervisorError
from spojka.supervisor.keeper import RestartPolicy
from spojka.supervisor.lock import lock_holder, locked
from spojka.supervisor.status import ChildStatus, State
from spojka.supervisor.supervisor import Supervisor, wait_for_stop_signal

__all__ = [
    "Account",
    "Child",
    "ChildGaveUpError",
    "ChildStatus",
    "DirectoryInUseError",
    "Probe",
    "RestartPolicy",
    "State",
    "Supervisor",
    "SupervisorError",
    "always_ready",
    "lock_holder",
    "locked",
    "wait_for_stop_signal",
]
