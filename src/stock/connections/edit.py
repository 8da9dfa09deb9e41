"""What a request says of a connection, checked and made into columns."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from psycopg.types.json import Jsonb

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.errors import InvalidArgument, Violation
from spojka.outbound import OutboundPolicy
from spojka.values import parse_decimal
from stock.connections.messages import AGGREGATIONS, MEANINGS, PAIRINGS
from stock.domain.availability import Aggregation
from stock.listings.pairing import Pairing
from stock.warehouses.errors import SettingsInvalid
from stock.warehouses.port import WarehouseSystem

DEFAULT_READING_SECONDS: Final = 1800
DEFAULT_PROBE_SECONDS: Final = 60
DEFAULT_FULL_HOURS: Final = 24
DEFAULT_MASS_CHANGE_LIMIT_PERCENT: Final = 20
LEAST_READING_SECONDS: Final = 10
LEAST_PROBE_SECONDS: Final = 5


def columns(message: api.Connection, system: WarehouseSystem) -> dict[str, Any]:
    """The columns a connection's editable fields make. Raises InvalidArgument."""
    _check_intervals(message)
    return {
        "name": message.name or system.name,
        "settings": Jsonb(dict(message.settings)),
        "meaning": _named(MEANINGS, message.meaning, system.default_meaning).value,
        "aggregation": _named(AGGREGATIONS, message.aggregation, Aggregation.SUM).value,
        "buffer": parse_decimal(message.buffer) if message.buffer else Decimal(0),
        "pairing": _named(PAIRINGS, message.pairing, Pairing.PRODUCT_NUMBER_THEN_EAN).value,
        "automatic_import": (
            message.automatic_import if message.HasField("automatic_import") else True
        ),
        "reading_seconds": message.reading_interval_seconds or DEFAULT_READING_SECONDS,
        "probe_seconds": message.probe_interval_seconds or DEFAULT_PROBE_SECONDS,
        "full_hours": message.full_reading_interval_hours or DEFAULT_FULL_HOURS,
        "mass_change_limit_percent": (
            message.mass_change_limit_percent or DEFAULT_MASS_CHANGE_LIMIT_PERCENT
        ),
    }


def check_settings(
    system: WarehouseSystem,
    settings: Mapping[str, str],
    credentials: Mapping[str, str],
    outbound: OutboundPolicy,
) -> None:
    """Raise InvalidArgument naming each setting or credential that the system can't use."""
    secret = {field.name for field in system.fields if field.secret}
    known = {field.name for field in system.fields}
    violations = [
        Violation(f"connection.settings[{name}]", "belongs into credentials")
        for name in sorted(settings.keys() & secret)
    ]
    violations += [
        Violation(
            f"connection.settings[{name}]", f"is unknown; known are {', '.join(sorted(known))}"
        )
        for name in sorted(settings.keys() - known)
    ]
    violations += [
        Violation(f"connection.credentials[{name}]", "is not a credential of this system")
        for name in sorted(credentials.keys() - secret)
    ]
    if violations:
        raise InvalidArgument(violations)
    try:
        system.open(settings, credentials, outbound)
    except SettingsInvalid as error:
        raise InvalidArgument(
            [
                Violation(
                    f"connection.{'credentials' if name in secret else 'settings'}[{name}]", problem
                )
                for name, problem in error.fields.items()
            ]
        ) from error


def _check_intervals(message: api.Connection) -> None:
    limits = (
        ("reading_interval_seconds", LEAST_READING_SECONDS, 86_400),
        ("probe_interval_seconds", LEAST_PROBE_SECONDS, 86_400),
        ("full_reading_interval_hours", 1, 720),
        ("mass_change_limit_percent", 1, 100),
    )
    violations = [
        Violation(f"connection.{name}", f"must be from {least} to {most}, or 0 for the default")
        for name, least, most in limits
        if (value := getattr(message, name)) and not least <= value <= most
    ]
    if violations:
        raise InvalidArgument(violations)


def _named(names: Mapping[Any, int], number: int, default: Any) -> Any:
    return next((name for name, value in names.items() if value == number), default)
