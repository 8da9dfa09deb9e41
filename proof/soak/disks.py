"""Small disks for the parts of the data directory, that can be filled and freed."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from proof.soak.strikes import DISKS
from spojka.servers.account import unprivileged_account

SIZES: Final[Mapping[str, str]] = {"postgres": "3g", "kafka": "2g", "logs": "1g"}
"""So much that a run of hours does not fill them by itself."""
BALLAST: Final = "ballast"
LEFT_BYTES: Final = 0
REFILL_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Disks:
    """The disks by name; `lacking` says why there are none."""

    folders: Mapping[str, Path]
    lacking: str = ""

    async def fill(self, name: str, seconds: float) -> None:
        """Leave no room on a disk for a time: what is freed meanwhile is taken, too."""
        ballast = self.folders[name] / BALLAST
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        try:
            with ballast.open("wb") as file:
                while loop.time() < until:
                    _take_all(file.fileno(), self.folders[name])
                    await asyncio.sleep(REFILL_SECONDS)
        finally:
            ballast.unlink()


def _take_all(descriptor: int, folder: Path) -> None:
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free > LEFT_BYTES:
        size = os.fstat(descriptor).st_size
        with suppress(OSError):  # somebody else was quicker
            os.posix_fallocate(descriptor, size, free)


@contextmanager
def mounted(data_dir: Path) -> Iterator[Disks]:
    """Mount the disks below a data directory for the time of a block, where that may be done."""
    if sys.platform != "linux" or os.geteuid() != 0:
        yield Disks({}, "only root can mount a small disk, on Linux")
        return
    folders: dict[str, Path] = {}
    try:
        for name in DISKS:
            folder = data_dir / name
            folder.mkdir(parents=True)
            refused = _mount(folder, SIZES[name])
            if refused:
                break
            folders[name] = folder
        if "postgres" in folders:
            account = unprivileged_account()
            assert account is not None, "root runs PostgreSQL as somebody else"
            os.chown(folders["postgres"], account.uid, account.gid)
            folders["postgres"].chmod(0o700)
        yield Disks(folders, refused) if not refused else Disks({}, refused)
    finally:
        for folder in folders.values():
            subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S607


def _mount(folder: Path, size: str) -> str:
    """Mount an empty disk; give why it was refused."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],  # noqa: S607
        check=False,
        capture_output=True,
        text=True,
    )
    return "" if done.returncode == 0 else f"a small disk can't be mounted: {done.stderr.strip()}"
