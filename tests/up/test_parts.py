"""The parts of an installation that need no server: secrets, and settings as variables."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from spojka.settings import Settings, SettingsError, load_settings
from spojka.up import UpError
from spojka.up.environment import FILE_NAME, leave_environment
from spojka.up.house_secrets import with_secrets


def test_secrets_are_made_once_and_kept_for_the_owner_alone(tmp_path: Path) -> None:
    first = with_secrets(Settings(), tmp_path)
    assert list(first.sealing) == ["key1"]
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    again = with_secrets(Settings(), tmp_path)
    for name in ("role_secret", "internal_token", "sealing_keys"):
        assert getattr(again, name) == getattr(first, name)


def test_a_secret_of_the_settings_goes_first(tmp_path: Path) -> None:
    given = Settings(internal_token=SecretStr("mine"))
    assert with_secrets(given, tmp_path).required_internal_token() == "mine"


def test_damaged_secrets_are_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    with pytest.raises(UpError, match="backup"):
        with_secrets(Settings(), tmp_path)
    assert (tmp_path / "secrets.json").read_text() == "{}"


def test_what_is_left_for_commands_reads_as_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPOJKA_DATABASE_URL", raising=False)
    monkeypatch.delenv("SPOJKA_KAFKA_BOOTSTRAP", raising=False)
    settings = Settings(
        database_url=SecretStr("postgresql://boss:its-password@127.0.0.1:5432/spojka"),
        role_secret=SecretStr("it's a \\secret # with signs"),
        kafka_options={"sasl.password": "a'b\"c"},
        allow_private_targets=True,
        data_dir=tmp_path,
    )
    leave_environment(settings)
    left = tmp_path / FILE_NAME
    assert left.stat().st_mode & 0o777 == 0o600
    assert "boss" not in left.read_text()
    found = Settings(_env_file=left)
    assert found.database_url == SecretStr("postgresql://127.0.0.1:5432/spojka")
    for name in ("role_secret", "kafka_options", "allow_private_targets", "data_dir"):
        assert getattr(found, name) == getattr(settings, name)


@pytest.mark.parametrize("text", ["127.0.0.1:1,orders:2", "127.0.0.1:1,", "127.0.0.1:1,127.0.0.1"])
def test_a_list_of_addresses_wants_numbers(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOJKA_ORDERS_ADDRESS", text)
    with pytest.raises(SettingsError, match="SPOJKA_ORDERS_ADDRESS"):
        load_settings()
