"""The options by which a warehouse connection is described."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Final

import typer

from spojka.api.stock.v1 import warehouse_service_pb2 as warehouse
from spojka.cli.enums import number_of
from spojka.cli.errors import CommandError

Name = Annotated[str | None, typer.Option(help="The name people read.")]
SettingValues = Annotated[
    list[str] | None,
    typer.Option("--set", help="A setting as name=value; repeatable; name= clears it."),
]
Credentials = Annotated[
    list[str] | None,
    typer.Option(
        "--credential",
        help="A credential: name asks for it, name=@FILE reads it, name=value is seen by "
        "others on this machine; repeatable.",
    ),
]
Meaning = Annotated[
    str | None, typer.Option(help="physical, net-of-reservations or net-of-orders.")
]
Aggregation = Annotated[str | None, typer.Option(help="sum or max.")]
Buffer = Annotated[str | None, typer.Option(help="Units kept back from every item.")]
Pairing = Annotated[
    str | None,
    typer.Option(help="product-number, ean, product-number-then-ean or ean-then-product-number."),
]
AutomaticImport = Annotated[
    bool | None,
    typer.Option(
        "--automatic-import/--no-automatic-import", help="Whether orders are sent by themselves."
    ),
]
ReadingSeconds = Annotated[int | None, typer.Option(min=0, help="Seconds between readings.")]
ProbeSeconds = Annotated[int | None, typer.Option(min=0, help="Seconds between probes.")]
FullReadingHours = Annotated[int | None, typer.Option(min=0, help="Hours between full readings.")]
MassChangePercent = Annotated[
    int | None,
    typer.Option(min=0, max=100, help="A reading that would zero more waits for approval."),
]

_ENUMS: Final = {
    "meaning": warehouse.Meaning.DESCRIPTOR,
    "aggregation": warehouse.Aggregation.DESCRIPTOR,
    "pairing": warehouse.Pairing.DESCRIPTOR,
}
MAX_CREDENTIAL_CHARACTERS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Changes:
    """What the options say; None and empty lists change nothing."""

    name: str | None
    settings: list[str]
    credentials: list[str]
    meaning: str | None
    aggregation: str | None
    buffer: str | None
    pairing: str | None
    automatic_import: bool | None
    reading_interval_seconds: int | None
    probe_interval_seconds: int | None
    full_reading_interval_hours: int | None
    mass_change_limit_percent: int | None

    def applied_to(self, connection: warehouse.Connection) -> warehouse.Connection:
        """The connection with the changes. Asks for credentials that were only named."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in {"settings", "credentials"} or value is None:
                continue
            if field.name in _ENUMS:
                value = number_of(_ENUMS[field.name], value)
            setattr(connection, field.name, value)
        for text in self.settings:
            name, equals, value = text.partition("=")
            if not name or not equals:
                raise typer.BadParameter(f"--set wants name=value, not {text!r}")
            if value:
                connection.settings[name] = value
            else:
                connection.settings.pop(name, None)
        for text in self.credentials:
            name, value = _credential(text)
            connection.credentials[name] = value
        return connection


def _credential(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name:
        raise typer.BadParameter("--credential wants name, name=@FILE or name=value")
    if not equals:
        return name, str(typer.prompt(name, hide_input=True, err=True))
    if not value.startswith("@"):
        return name, value
    try:
        with Path(value[1:]).open(encoding="utf-8") as stream:
            return name, stream.read(MAX_CREDENTIAL_CHARACTERS).rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"the credential {name!r} can't be read: {error}") from error
