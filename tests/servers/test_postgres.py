"""The embedded PostgreSQL: its data survive everything, and it is nobody else's."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from spojka.servers import postgres_home
from spojka.servers.ports import PortTakenError, free_port
from spojka.servers.postgres import EmbeddedPostgres
from spojka.servers.server import ServerError, serving
from spojka.supervisor import Child, RestartPolicy, Supervisor
from spojka.supervisor.child import always_ready


def _postgres(home: Path, **settings: object) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        data=home / "postgres",
        log_path=home / "postgres.log",
        **settings,  # type: ignore[arg-type]
    )


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)
    try:
        yield connection
    finally:
        await connection.close()


async def _value(connection: psycopg.AsyncConnection, query: str) -> object:
    row = await (await connection.execute(query)).fetchone()
    assert row is not None
    return row[0]


async def test_is_durable_private_and_on_loopback_alone(home: Path) -> None:
    server = _postgres(home)
    async with serving(server), _connection(server.url) as connection:
        for name, wanted in {
            "fsync": "on",
            "synchronous_commit": "on",
            "data_checksums": "on",
            "server_encoding": "UTF8",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "256MB",
        }.items():
            assert await _value(connection, f"SHOW {name}") == wanted, name
        assert await _value(connection, "SELECT 'Č' < 'D' COLLATE \"default\"") is False
        assert await _value(connection, "SELECT lower('ŽLUŤ')") == "žluť"
        methods = await _value(
            connection, "SELECT array_agg(DISTINCT auth_method) FROM pg_hba_file_rules"
        )
        assert methods == ["scram-sha-256"]
    password_file = server.data / "password"
    assert stat.S_IMODE(password_file.stat().st_mode) == 0o600
    assert urlsplit(server.url).password == password_file.read_text().strip()


async def test_refuses_a_wrong_password(home: Path) -> None:
    server = _postgres(home)
    async with serving(server):
        password = urlsplit(server.url).password
        assert password
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await psycopg.AsyncConnection.connect(server.url.replace(password, "wrong"))


async def test_keeps_data_password_and_port_over_a_restart(home: Path) -> None:
    first = _postgres(home)
    async with serving(first), _connection(first.url) as connection:
        await connection.execute("CREATE TABLE kept AS SELECT 'yes' AS answer")
    again = _postgres(home)
    async with serving(again), _connection(again.url) as connection:
        assert await _value(connection, "SELECT answer FROM kept") == "yes"
    assert again.url == first.url
    assert "was interrupted" not in again.log_path.read_text()  # it was stopped cleanly


async def test_recovers_from_kill_9_under_the_supervisor(home: Path) -> None:
    server = _postgres(home)
    async with Supervisor(policy=RestartPolicy(first_delay_s=0.05)) as supervisor:
        await supervisor.start([await server.prepare()])
        async with _connection(server.url) as connection:
            await connection.execute("CREATE TABLE kept AS SELECT 'yes' AS answer")
            pid = supervisor.statuses()[0].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        answer = await _until_served(server.url, "SELECT answer FROM kept")
        assert answer == "yes"
        assert supervisor.statuses()[0].pid != pid


async def test_is_given_time_to_recover(home: Path) -> None:
    """One that is ended in the middle of its recovery begins anew, and never gets through."""
    usual = Child(name="", argv=(), env={}, log_path=home, ready=always_ready)
    child = await _postgres(home).prepare()
    assert child.ready_timeout_s >= 10 * usual.ready_timeout_s


async def test_ends_with_its_supervisor_and_starts_again(home: Path) -> None:
    """The supervisor is killed outright: no server stays behind, and nothing is lost."""
    script = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from spojka.servers.postgres import EmbeddedPostgres\n"
        "from spojka.servers.server import serving\n"
        "home = Path(sys.argv[1])\n"
        "async def main():\n"
        "    server = EmbeddedPostgres(data=home / 'postgres', log_path=home / 'postgres.log')\n"
        "    async with serving(server):\n"
        "        print(server.url, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    supervisor = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", script, str(home)),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert supervisor.stdout is not None
        url = (await supervisor.stdout.readline()).decode().strip()
        async with _connection(url) as connection:
            await connection.execute("CREATE TABLE kept AS SELECT 'yes' AS answer")
    finally:
        supervisor.kill()
        await supervisor.wait()
    again = _postgres(home)
    async with serving(again), _connection(again.url) as connection:
        assert again.url == url  # so the former server has given its port back
        assert await _value(connection, "SELECT answer FROM kept") == "yes"


async def test_starts_over_the_pid_file_of_a_process_that_is_another_program_by_now(
    home: Path,
) -> None:
    server = _postgres(home)
    async with serving(server):
        pid_file = server.data / "cluster" / "postmaster.pid"
        left_behind = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *left_behind[1:]]) + "\n")
    async with serving(_postgres(home)):
        assert int(pid_file.read_text().splitlines()[0]) != os.getpid()


async def test_an_interrupted_initialisation_is_done_again(home: Path) -> None:
    server = _postgres(home)
    await server.prepare()
    (server.data / "cluster").rename(server.data / "cluster.unfinished")
    again = _postgres(home)
    async with serving(again), _connection(again.url) as connection:
        assert await _value(connection, "SELECT 1") == 1
    assert not (server.data / "cluster.unfinished").exists()


async def test_names_a_taken_port(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} .* PostgreSQL, is taken"):
            await _postgres(home, port=port).prepare()


async def test_uses_the_port_that_was_asked_for(home: Path) -> None:
    port = free_port()
    server = _postgres(home, port=port)
    await server.prepare()
    assert urlsplit(server.url).port == port


async def test_refuses_the_cluster_of_another_version(home: Path) -> None:
    server = _postgres(home)
    await server.prepare()
    (server.data / "cluster" / "PG_VERSION").write_text("15\n")
    with pytest.raises(ServerError, match="made by PostgreSQL 15"):
        await _postgres(home).prepare()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give itself up")
async def test_never_runs_as_root_and_leaves_the_folders_of_others_alone(home: Path) -> None:
    before = _ownership(home)
    server = _postgres(home)
    async with Supervisor() as supervisor:
        await supervisor.start([await server.prepare()])
        _, uid, _ = _ownership(Path(f"/proc/{supervisor.statuses()[0].pid}"))
        assert uid != 0
    assert _ownership(home) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="others reach the folders they own")
async def test_root_keeps_the_data_elsewhere_when_nobody_else_reaches_the_folder(
    home: Path,
) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedPostgres(
        data=closed / "postgres", log_path=home / "postgres.log", root_home=home / "elsewhere"
    )
    async with serving(server), _connection(server.url) as connection:
        assert await _value(connection, "SELECT 1") == 1
    assert server.data.is_relative_to(home / "elsewhere")
    assert str(server.data) in (closed / "postgres.elsewhere").read_text()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="others reach the programs they installed")
async def test_root_copies_programs_that_nobody_else_reaches(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = postgres_home._installed_programs()
    site = installed.parents[2]
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    for folder in (*postgres_home.LIBRARY_FOLDERS, installed.parent.relative_to(site)):
        if (site / folder).exists():
            shutil.copytree(site / folder, closed / folder)
    unreachable = closed / installed.relative_to(site)
    monkeypatch.setattr(postgres_home, "_installed_programs", lambda: unreachable)
    server = _postgres(home, root_home=home / "elsewhere")
    child = await server.prepare()
    assert Path(child.argv[0]).is_relative_to(home / "elsewhere")
    async with Supervisor() as supervisor:
        await supervisor.start([child])
        async with _connection(server.url) as connection:
            assert await _value(connection, "SELECT 1") == 1


def _ownership(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mode, found.st_uid, found.st_gid


async def _until_served(url: str, query: str) -> object:
    error: Exception | None = None
    deadline = asyncio.get_running_loop().time() + 15
    while asyncio.get_running_loop().time() < deadline:
        try:
            async with _connection(url) as connection:
                return await _value(connection, query)
        except psycopg.OperationalError as caught:
            error = caught
            await asyncio.sleep(0.05)
    raise AssertionError(f"not served within 15 s: {error}")
