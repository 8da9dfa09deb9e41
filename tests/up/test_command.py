"""`spojka up` as an operator runs it: with servers of its own, killed, stopped and run again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import grpc
import httpx

from spojka.api.accounts.v1 import accounts_service_pb2 as accounts
from spojka.api.accounts.v1.accounts_service_pb2_grpc import TenantServiceStub
from spojka.supervisor import ChildStatus
from spojka.up import Status, read_status

PROCESSES = {"PostgreSQL", "Kafka", "gateway", "orders", "stock", "payments", "mail_ingest"}
START_SECONDS = 90.0
STOP_SECONDS = 60.0

Found = TypeVar("Found")


def test_it_starts_restarts_stops_and_goes_on_where_it_stopped(data_dir: Path) -> None:
    with _up(data_dir) as first:
        before = _until_up(first, data_dir)
        assert set(_processes(before)) == PROCESSES
        _create_tenant(before, data_dir, "alpha")

        second = _run("up", "--data-dir", str(data_dir))
        assert second.returncode == 1
        assert f"in use by process {first.pid}" in second.stderr
        assert len(second.stderr.splitlines()) == 1

        killed = _processes(before)["orders"].pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        _until(lambda: _runs_as_other(data_dir, "orders", killed), "orders was started again")
        _until(lambda: _is_ready(before), "the edge reaches the new process")

        groups = [process.pid for process in before.processes if process.pid]
        assert _stop(first) == 0
        assert not [group for group in groups if _has_processes(group)]
        assert read_status(data_dir) is None
        assert _stopped_in_order(data_dir) == ["doors", "services", "Kafka", "PostgreSQL"]

    with _up(data_dir) as again:
        after = _until_up(again, data_dir)
        assert after.listening == before.listening
        assert _tenants(after, data_dir) == ["alpha"]
        assert _stop(again) == 0


def test_a_stop_while_it_starts_leaves_nothing(data_dir: Path) -> None:
    with _up(data_dir) as process:
        status = _until(lambda: read_status(data_dir), "the first server is being started")
        assert _stop(process) == 0
    assert not [each.pid for each in status.processes if each.pid and _has_processes(each.pid)]
    assert read_status(data_dir) is None


def test_a_number_of_instances_that_is_none_is_told_in_a_line(data_dir: Path) -> None:
    result = _run("up", "--data-dir", str(data_dir), "--instances", "stock")
    assert result.returncode == 1
    assert result.stderr == "spojka: --instances 'stock' wants SERVICE=NUMBER, such as stock=2\n"
    assert not data_dir.exists()


def _environment() -> dict[str, str]:
    """Give what an operator has who set nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SPOJKA_")}


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "spojka", *arguments],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def _up(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "spojka", "up", "--free-ports", "--data-dir", str(data_dir)]
    with (
        (data_dir.parent / "up.log").open("wb") as log,
        subprocess.Popen(command, env=_environment(), stdout=log, stderr=log) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _until_up(process: subprocess.Popen[bytes], data_dir: Path) -> Status:
    log = data_dir.parent / "up.log"

    def up() -> Status | None:
        assert process.poll() is None, log.read_text()
        return read_status(data_dir) if "Spojka is up" in log.read_text() else None

    return _until(up, "everything is up", START_SECONDS)


def _stop(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(STOP_SECONDS)


def _until(ask: Callable[[], Found | None], what: str, within_seconds: float = 30.0) -> Found:
    deadline = time.monotonic() + within_seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, f"not within {within_seconds:g} s: {what}"
        time.sleep(0.05)
    return found


def _processes(status: Status) -> dict[str, ChildStatus]:
    return {process.name: process for process in status.processes}


def _runs_as_other(data_dir: Path, name: str, pid: int) -> bool:
    status = read_status(data_dir)
    assert status is not None
    process = _processes(status)[name]
    return process.healthy and process.pid != pid


def _addresses_of_edge(status: Status) -> tuple[str, str]:
    grpc_address, http_url = status.listening["gateway"].removeprefix("grpc ").split(", ")
    return grpc_address, http_url


def _is_ready(status: Status) -> bool:
    return httpx.get(f"{_addresses_of_edge(status)[1]}/ready").status_code == httpx.codes.OK


@contextmanager
def _tenant_service(status: Status) -> Iterator[Any]:
    with grpc.insecure_channel(_addresses_of_edge(status)[0]) as channel:
        yield TenantServiceStub(channel)


def _as_admin(data_dir: Path) -> list[tuple[str, str]]:
    key_file = data_dir / "admin.key"
    assert key_file.stat().st_mode & 0o777 == 0o600
    return [("authorization", f"Bearer {key_file.read_text().strip()}")]


def _create_tenant(status: Status, data_dir: Path, name: str) -> None:
    with _tenant_service(status) as service:
        request = accounts.CreateTenantRequest(name=name)
        service.CreateTenant(request, metadata=_as_admin(data_dir), timeout=10)


def _tenants(status: Status, data_dir: Path) -> list[str]:
    with _tenant_service(status) as service:
        request = accounts.ListTenantsRequest(page_size=10)
        answer = service.ListTenants(request, metadata=_as_admin(data_dir), timeout=10)
        return [tenant.name for tenant in answer.tenants]


def _has_processes(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _stopped_in_order(data_dir: Path) -> list[str]:
    """Tell the order of the stop: the doors as one, the services as one."""
    lines = (data_dir.parent / "up.log").read_text().splitlines()
    stopped = [line.split()[0] for line in lines if line.endswith(" stopped")]
    parts = {"gateway": "doors", "mail_ingest": "doors"}
    parts |= dict.fromkeys(("orders", "stock", "payments"), "services")
    named = [parts.get(name, name) for name in stopped]
    return list(dict.fromkeys(named))
