"""The embedded PostgreSQL: the programs of a wheel, run our own way.

A cluster of its own below the data directory, reached over TCP on the loopback address with a
generated password (SCRAM), as a foreground child of the supervisor, never as root.
"""

import asyncio
import os
import secrets
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import psycopg

from spojka.servers.account import unprivileged_account
from spojka.servers.ports import LOOPBACK, choose_port
from spojka.servers.postgres_home import MAJOR_VERSION, ROOT_HOME, PostgresHome, find_home
from spojka.servers.server import RECOVERY_TIMEOUT_S, ServerError
from spojka.supervisor import Account, Child

SUPERUSER = "postgres"
PASSWORD_BYTES = 24
INITDB_TIMEOUT_S = 120.0
PROBE_TIMEOUT_S = 2
STOP_GROUP = 100
"""Stopped after everything else, since everything else writes to it."""

CONFIGURATION = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class EmbeddedPostgres:
    """PostgreSQL for one machine; data, password and port of an earlier run are kept.

    Args:
        data: the folder for the cluster; made if missing, with its parents. When Spojka runs as
            root and the folder can't be reached by others, the data are kept elsewhere: `data`
            says where after `prepare`.
        log_path: where the server's log is appended.
        port: the port to use; without one, the remembered or a free one.
        root_home: where programs and data are kept for root when they must be elsewhere.

    """

    name = "PostgreSQL"

    def __init__(
        self,
        *,
        data: Path,
        log_path: Path,
        port: int | None = None,
        root_home: Path = ROOT_HOME,
    ) -> None:
        self.data = data
        self.log_path = log_path
        self._wanted_port = port
        self._root_home = root_home
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The superuser's connection URL, with its password; known after `prepare`."""
        if self._url is None:
            raise RuntimeError("prepare() the server before asking for its URL")
        return self._url

    async def prepare(self) -> Child:
        """Make the cluster if there is none, choose the port, and tell how to start it.

        Raises:
            ServerError: it can't be had; the message says why.

        """
        account = unprivileged_account()
        home = await asyncio.to_thread(find_home, self.data, account, self._root_home)
        self.data = home.data
        cluster = home.data / "cluster"
        if not cluster.exists():
            await self._initialise(home, cluster, account)
        _refuse_other_version(cluster)
        _remove_stale_pid_file(cluster)
        port = await choose_port(self.name, self._wanted_port, home.data / "port")
        password = (home.data / "password").read_text().strip()
        self._url = f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{port}/postgres"
        settings = CONFIGURATION | {"port": str(port)}
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return Child(
            name=self.name,
            argv=(str(home.programs / "postgres"), "-D", str(cluster), *options),
            env=_environment(),
            log_path=self.log_path,
            ready=self._waits_for,
            ready_timeout_s=RECOVERY_TIMEOUT_S,
            stop_group=STOP_GROUP,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            orphan_signal=signal.SIGQUIT,  # "immediate": its own children end too; recovers later
            account=account,
            cwd=home.data,
        )

    async def _initialise(self, home: PostgresHome, cluster: Path, account: Account | None) -> None:
        """Run initdb beside the final place, so that a cluster is either whole or absent."""
        password_path = home.data / "password"
        _write_private(password_path, secrets.token_urlsafe(PASSWORD_BYTES), account)
        unfinished = home.data / "cluster.unfinished"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        process = await asyncio.create_subprocess_exec(
            str(home.programs / "initdb"),
            f"--pgdata={unfinished}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_path}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",  # the same order on every system
            "--data-checksums",
            "--no-instructions",
            env=_environment(),
            cwd=home.data,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), INITDB_TIMEOUT_S)
        except (TimeoutError, asyncio.CancelledError):
            process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            said = output.decode("utf-8", "replace").strip()
            raise ServerError(f"PostgreSQL's initdb failed in {home.data}:\n{said}")
        unfinished.rename(cluster)

    async def _waits_for(self) -> str | None:
        try:
            connection = await psycopg.AsyncConnection.connect(
                self.url, connect_timeout=PROBE_TIMEOUT_S, autocommit=True
            )
        except psycopg.Error as error:
            return str(error).strip()
        await connection.close()
        return None


def _environment() -> dict[str, str]:
    # Nothing of ours leaks in: a PGDATA or a locale of the caller would change what the server is.
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _write_private(path: Path, text: str, account: Account | None) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{text}\n")
        if account is not None:
            os.fchown(descriptor, account.uid, account.gid)


def _refuse_other_version(cluster: Path) -> None:
    version = (cluster / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        raise ServerError(
            f"The database in {cluster} was made by PostgreSQL {version}, and the embedded one is "
            f"{MAJOR_VERSION}. Dump it with the old version and load it into a new directory."
        )


def _remove_stale_pid_file(cluster: Path) -> None:
    """Remove the pid file of a killed server whose number another program has by now.

    PostgreSQL itself removes one whose process is gone, but takes any living process of the same
    user for its predecessor, which after a reboot or in a container may be wrong. Without /proc
    the decision is left to PostgreSQL.
    """
    pid_path = cluster / "postmaster.pid"
    with suppress(OSError, ValueError, IndexError):
        pid = int(pid_path.read_text().splitlines()[0])
        program = Path(f"/proc/{pid}/exe").readlink()
        if program.name != "postgres":
            pid_path.unlink()
