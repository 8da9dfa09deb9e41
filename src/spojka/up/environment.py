"""The settings in force as variables: for the services' processes, and for commands beside them."""

import json
import os
from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr

from spojka.settings import PREFIX, Settings
from spojka.up.instances import Instance
from spojka.up.preparation import own_database_url, shared_database_url
from spojka.up.private_file import write_private

FILE_NAME: Final = "up.env"


def environment(
    settings: Settings, instance: Instance, addresses: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of an instance.

    It is the caller's, with the settings in force in place of the caller's.
    Neither the superuser's login nor the secret of the roles is in it.
    """
    ours = {_variable(name) for name in Settings.model_fields}
    foreign = {name: value for name, value in os.environ.items() if name.upper() not in ours}
    values = _in_force(settings) | {
        "role_secret": None,
        "database_url": own_database_url(settings, instance.service),
        "service_port": instance.grpc_port,
        "metrics_port": instance.metrics_port,
        **{f"{service}_address": where for service, where in addresses.items()},
    }
    if instance.is_edge:
        values |= {"edge_grpc_port": instance.grpc_port, "edge_http_port": instance.http_port}
    if instance.smtp_port:
        values |= {"smtp_port": instance.smtp_port}
    return foreign | _variables(values)


def leave_environment(settings: Settings) -> None:
    """Leave the settings in force in the data directory, for commands on the same machine.

    The database's URL names no user: each command logs in as the role whose
    rows it asks for, with the password that the secret in the file gives.
    """
    values = _in_force(settings) | {"database_url": shared_database_url(settings)}
    lines = [f"{name}={_quoted(text)}" for name, text in sorted(_variables(values).items())]
    write_private(settings.data_dir / FILE_NAME, "\n".join(lines) + "\n")


def _in_force(settings: Settings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in settings.model_fields_set}


def _variables(values: Mapping[str, object]) -> dict[str, str]:
    return {_variable(name): _text(value) for name, value in values.items() if value is not None}


def _variable(name: str) -> str:
    return f"{PREFIX}{name}".upper()


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
