"""Commands that need no service."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import pytest
import typer

from spojka.cli.limits import limits, limits_in
from spojka.cli.main import Spojka
from spojka.inspection import InspectError
from spojka.settings import Settings
from tests.cli.running import run


def inspect_greeting(
    file: Annotated[Path, typer.Argument(help="A file.")],
    system: Annotated[str, typer.Option(help="A system.")] = "pohoda",
) -> Mapping[str, object]:
    """Greet by a file."""
    if system != "pohoda":
        raise InspectError(f"there is no system {system!r}; there is: pohoda")
    return {"greeting": file.read_text(encoding="utf-8").strip(), "system": system}


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that registers an inspection and a service, as an installed one would."""
    info = tmp_path / "spojka_test_extra-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: spojka-test-extra\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        f"[spojka.inspections]\ngreeting = {__name__}:inspect_greeting\n"
        "broken = spojka_no_such_module:nothing\n"
        "[spojka.services]\nexample = spojka_no_such_module:SERVICE\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("registered")
def test_an_inspection_prints_its_answer(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("příliš žluťoučký\n", encoding="utf-8")
    result = run("inspect", "greeting", str(file))
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"greeting": "příliš žluťoučký", "system": "pohoda"}
    assert "příliš" in result.stdout
    assert result.stderr == ""


@pytest.mark.usefixtures("registered")
def test_an_inspections_error_is_one_line_and_exit_code_1() -> None:
    result = run("inspect", "greeting", "a", "--system", "foo")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "spojka: there is no system 'foo'; there is: pohoda\n"


@pytest.mark.usefixtures("registered")
def test_an_unknown_inspection_lists_the_known_ones() -> None:
    result = run("inspect", "nothing")
    assert result.exit_code == 2
    assert "greeting" in result.stderr


@pytest.mark.usefixtures("registered")
def test_an_unknown_service_lists_the_known_ones() -> None:
    result = run("serve", "nothing")
    assert result.exit_code == 1
    assert "example" in result.stderr
    assert result.stderr.count("\n") == 1


def test_bad_usage_is_exit_code_2_and_one_line() -> None:
    for line in ("nothing", "order show", "order list --nothing", "order list --limit 0"):
        result = run(*line.split())
        assert result.exit_code == 2, line
        assert result.stderr.count("\n") == 1, line
        assert "--help" in result.stderr, line


def test_a_wrong_word_for_a_state_lists_the_known_ones() -> None:
    result = run("import", "list", "--state", "foo", "--key", "k", "--address", "127.0.0.1:1")
    assert result.exit_code == 2
    assert "acked" in result.stderr


def test_every_command_explains_itself() -> None:
    for name in Spojka.modules:
        result = run(name, "--help")
        assert result.exit_code == 0, (name, result.output)


def test_settings_name_every_variable_and_hide_secrets() -> None:
    env = {
        "SPOJKA_INTERNAL_TOKEN": "very secret",
        "SPOJKA_API_KEY": "very secret",
        "SPOJKA_LOG_LEVEL": "debug",
    }
    result = run("settings", env=env)
    assert result.exit_code == 0, result.output
    assert "very secret" not in result.stdout
    for field in Settings.model_fields:
        assert f"SPOJKA_{field.upper()} = " in result.stdout
    assert "SPOJKA_LOG_LEVEL = debug   (default: info)" in result.stdout
    assert "SPOJKA_TENANT = not set" in result.stdout

    page = json.loads(run("settings", "--json", env=env).stdout)
    assert all(variable["meaning"] for variable in page["settings"])
    assert {"MAX_MESSAGE_BYTES"} <= {limit["name"] for limit in page["limits"]}


def test_a_wrong_setting_is_named() -> None:
    result = run("settings", env={"SPOJKA_LOG_LEVEL": "loud"})
    assert result.exit_code == 1
    assert result.stderr.startswith("spojka: SPOJKA_LOG_LEVEL: ")
    client = run("tenant", "list", env={"SPOJKA_ADDRESS": "nowhere"})
    assert client.stderr == "spojka: SPOJKA_ADDRESS: Value error, wants host:port\n"


def test_limits_are_read_from_the_source() -> None:
    source = '''
MAX_THINGS: Final = 16 * 1024
"""What they are."""
WAIT_SECONDS = 0.5
MAX_NAME: Final = "text"
_MAX_HIDDEN = 3
OTHER = 4
'''
    found = {limit.name: limit for limit in limits_in("m", source)}
    assert {name: limit.value for name, limit in found.items()} == {
        "MAX_THINGS": 16384,
        "WAIT_SECONDS": 0.5,
    }
    assert found["MAX_THINGS"].meaning == "What they are."
    known = {(limit.module, limit.name): limit.value for limit in limits()}
    assert known["spojka.database", "POOL_MAX_CONNECTIONS"] == 8


def test_inspect_starts_without_the_weight_of_the_services() -> None:
    code = (
        "import sys; from spojka.cli.main import app\n"
        "try: app(['inspect', 'nothing'])\n"
        "except SystemExit: pass\n"
        "heavy = {'grpc', 'psycopg', 'confluent_kafka', 'starlette', 'google.protobuf'}\n"
        "sys.stdout.write(','.join(sorted(heavy & set(sys.modules))))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout == ""
    assert "nothing" in result.stderr
