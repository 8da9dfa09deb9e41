"""One supervisor at a time works on a data directory."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spojka.supervisor.errors import DirectoryInUseError

LOCK_NAME = "up.lock"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold the directory's lock; the kernel releases it whenever and however the process ends.

    The directory is made if it is missing. The file stays behind, with the last holder's pid.

    Raises:
        DirectoryInUseError: another process holds the lock; the error names it.

    """
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DirectoryInUseError(directory, lock_holder(directory)) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def lock_holder(directory: Path) -> int | None:
    """Read which process last took the directory's lock, where one did."""
    with suppress(OSError, ValueError):
        return int((directory / LOCK_NAME).read_text())
    return None
