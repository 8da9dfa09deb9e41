"""The installation as tests and the demo run it, on servers that run already."""

import asyncio
import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from spojka.servers.ports import PortTakenError
from spojka.settings import Settings
from spojka.supervisor import DirectoryInUseError
from spojka.up import Installation, UpError, UpOptions, running
from spojka.up.environment import environment
from spojka.up.instances import Instance, addresses


async def test_several_instances_stand_behind_one_edge_each_with_its_own_login(
    given: Settings,
) -> None:
    options = UpOptions(
        settings=given,
        instances={"orders": 2},
        free_ports=True,
        variables={"SPOJKA_LOG_LEVEL": "warning"},
    )
    async with running(options) as installation:
        assert installation.admin_key is not None
        for instance in installation.instances:
            _has_its_own_login_only(installation, instance)
        assert {"orders", "orders-2"} <= {each.name for each in installation.instances}
        assert len(installation.settings.orders_address.split(",")) == 2
        killed = installation.kill("orders-2")
        await installation.until_ready()
        assert await installation.until_running("orders-2", not_as=killed) != killed
        with pytest.raises(DirectoryInUseError):
            async with running(options):
                pytest.fail("two installations run on one data directory")
    assert all(status.pid is None for status in installation.supervisor.statuses())


async def test_a_taken_port_is_named_with_its_setting(given: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = given.model_copy(update={"edge_http_port": port})
        with pytest.raises(PortTakenError, match=rf"{port}.*SPOJKA_EDGE_HTTP_PORT"):
            await _runs(UpOptions(settings=settings))


async def test_an_unknown_service_is_told_with_the_known_ones(given: Settings) -> None:
    with pytest.raises(UpError, match=r"no service stok; the services are: .*stock"):
        await _runs(UpOptions(settings=given, instances={"stok": 2}, free_ports=True))


async def test_a_database_that_does_not_answer_is_named_by_its_setting(given: Settings) -> None:
    nowhere = SecretStr("postgresql://someone:secret@127.0.0.1:1/spojka")
    settings = given.model_copy(update={"database_url": nowhere})
    with pytest.raises(UpError, match="SPOJKA_DATABASE_URL") as caught:
        await _runs(UpOptions(settings=settings, free_ports=True))
    assert "secret" not in str(caught.value)


async def test_a_data_directory_that_can_not_be_made_is_named(given: Settings) -> None:
    given.data_dir.write_text("a file where the folder should be")
    settings = given.model_copy(update={"data_dir": given.data_dir / "below"})
    with pytest.raises(UpError, match="SPOJKA_DATA_DIR"):
        await _runs(UpOptions(settings=settings))


def _has_its_own_login_only(installation: Installation, instance: Instance) -> None:
    variables = environment(installation.settings, instance, addresses(installation.instances))
    shown = Path(f"/proc/{installation.status_of(instance.name).pid}/environ")
    if shown.exists():  # Linux shows what the process really got
        pairs = (line.partition("=") for line in shown.read_text().split("\0"))
        variables = {name: value for name, _, value in pairs}
        assert variables["SPOJKA_LOG_LEVEL"] == "warning"
    assert installation.settings.database_url is not None
    superuser = installation.settings.database_url.get_secret_value().partition("@")[0]
    assert f"//spojka_{instance.service}:" in variables["SPOJKA_DATABASE_URL"]
    assert "SPOJKA_ROLE_SECRET" not in variables
    assert [name for name, value in variables.items() if superuser in value] == []


async def _runs(options: UpOptions) -> None:
    async with asyncio.timeout(30), running(options):
        pytest.fail("it ran")
