"""What can go wrong with the supervisor, grouped by what the operator must do."""

from pathlib import Path

LOG_TAIL_LINES = 8
LOG_TAIL_BYTES_MAX = 8192


class SupervisorError(Exception):
    """The processes could not be run as asked."""


class ChildGaveUpError(SupervisorError):
    """A child could not be kept running: read its log, mend the cause and start again."""

    def __init__(self, name: str, detail: str, log_path: Path) -> None:
        self.name = name
        self.detail = detail
        self.log_path = log_path
        tail = log_tail(log_path)
        ending = f"; it ends with:\n{tail}" if tail else "; it is empty"
        super().__init__(
            f"{name} does not keep running: {detail}. Read its log, {log_path}{ending}"
        )


class DirectoryInUseError(SupervisorError):
    """Another supervisor works on the data directory: stop it, or use another directory."""

    def __init__(self, directory: Path, pid: int | None) -> None:
        self.directory = directory
        self.pid = pid
        holder = f"process {pid}" if pid is not None else "another process"
        super().__init__(
            f"The data directory {directory} is in use by {holder}. "
            f"Stop that process first, or choose another data directory."
        )


def log_tail(log_path: Path) -> str:
    """Give the last lines of a log, or nothing when there is none."""
    try:
        with log_path.open("rb") as log:
            log.seek(max(0, log_path.stat().st_size - LOG_TAIL_BYTES_MAX))
            lines = log.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:])
