"""Starts a child through the launcher, and ends it."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from spojka.supervisor.child import Child

LOG_BYTES_MAX = 20 * 1024 * 1024
LAUNCHER = Path(__file__).with_name("launch.py")


class ChildProcess:
    """A started child: its own session, its own log, and a tie to the supervisor's life.

    Must be spawned from a thread that lives as long as the child should (the event loop's):
    Linux counts the death of the spawning thread as the death of the parent.
    """

    def __init__(
        self, child: Child, process: asyncio.subprocess.Process, lifeline: int | None
    ) -> None:
        self._child = child
        self._process = process
        self._lifeline = lifeline

    @classmethod
    async def spawn(
        cls, child: Child, *, lifeline: bool = sys.platform != "linux"
    ) -> "ChildProcess":
        """Start the child; its output is appended to its log.

        With `lifeline` the tie is a pipe instead of the kernel's signal.

        Raises:
            OSError: the log cannot be written or no process can be made.

        """
        read_end, write_end = os.pipe() if lifeline else (None, None)
        command = [sys.executable, "-I", "-S", str(LAUNCHER), "--parent", str(os.getpid())]
        command += ["--orphan-signal", str(int(child.orphan_signal))]
        if child.account is not None:
            command += ["--uid", str(child.account.uid), "--gid", str(child.account.gid)]
        if read_end is not None:
            command += ["--lifeline", str(read_end)]
        try:
            with _open_log(child.log_path) as log:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    "--",
                    *child.argv,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=asyncio.subprocess.STDOUT,
                    env=dict(child.env),
                    cwd=child.cwd,
                    start_new_session=True,
                    pass_fds=() if read_end is None else (read_end,),
                )
        except OSError:
            if write_end is not None:
                os.close(write_end)
            raise
        finally:
            if read_end is not None:
                os.close(read_end)
        return cls(child, process, write_end)

    @property
    def pid(self) -> int:
        """The process id, also of the session and of the process group."""
        return self._process.pid

    async def wait(self) -> str:
        """Wait for the end and tell it in words, clearing away what the child left behind."""
        status = await self._process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if status < 0:
            return f"it was ended by {signal.Signals(-status).name}"
        return f"it ended with exit status {status}"

    async def stop(self) -> None:
        """Ask the child to end; kill its process group if it has not after its time-out."""
        if self._process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            self._process.send_signal(self._child.stop_signal)
        try:
            await asyncio.wait_for(self._process.wait(), self._child.stop_timeout_s)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End the child's whole process group at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()


def _open_log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")
