"""Connections as the contracts show them; credentials never among it."""

from collections.abc import Mapping
from typing import Final

from spojka.api.stock.v1 import warehouse_service_pb2 as api
from spojka.values import format_decimal
from stock.connections.model import ConnectionRow
from stock.domain.availability import Aggregation
from stock.listings.pairing import Pairing
from stock.warehouses.port import Meaning, WarehouseSystem

MEANINGS: Final = {
    Meaning.PHYSICAL: api.MEANING_PHYSICAL,
    Meaning.NET_OF_RESERVATIONS: api.MEANING_NET_OF_RESERVATIONS,
    Meaning.NET_OF_ORDERS: api.MEANING_NET_OF_ORDERS,
}
AGGREGATIONS: Final = {
    Aggregation.SUM: api.AGGREGATION_SUM,
    Aggregation.MAX: api.AGGREGATION_MAX,
}
PAIRINGS: Final = {
    Pairing.PRODUCT_NUMBER: api.PAIRING_PRODUCT_NUMBER,
    Pairing.EAN: api.PAIRING_EAN,
    Pairing.PRODUCT_NUMBER_THEN_EAN: api.PAIRING_PRODUCT_NUMBER_THEN_EAN,
    Pairing.EAN_THEN_PRODUCT_NUMBER: api.PAIRING_EAN_THEN_PRODUCT_NUMBER,
}
STATES: Final[Mapping[str, api.ConnectionState.ValueType]] = {
    "inactive": api.CONNECTION_STATE_INACTIVE,
    "starting": api.CONNECTION_STATE_STARTING,
    "active": api.CONNECTION_STATE_ACTIVE,
}


def connection_message(row: ConnectionRow, public_url: str) -> api.Connection:
    """A connection, without its credentials."""
    message = api.Connection(
        id=str(row.id),
        system=row.system,
        name=row.name,
        settings=row.settings,
        credentials_set=sorted(row.credential_names),
        state=STATES[row.state],
        meaning=MEANINGS[Meaning(row.meaning)],
        aggregation=AGGREGATIONS[Aggregation(row.aggregation)],
        buffer=format_decimal(row.buffer),
        pairing=PAIRINGS[Pairing(row.pairing)],
        automatic_import=row.automatic_import,
        reading_interval_seconds=row.reading_seconds,
        probe_interval_seconds=row.probe_seconds,
        full_reading_interval_hours=row.full_hours,
        mass_change_limit_percent=row.mass_change_limit_percent,
        impulse_url=f"{public_url.rstrip('/')}/impulse/{row.impulse_token}",
        problem=row.problem,
    )
    if row.last_reading_time is not None:
        message.last_reading_time.FromDatetime(row.last_reading_time)
    if row.active:
        message.next_reading_time.FromDatetime(row.next_reading_time)
    return message


def system_message(system: WarehouseSystem) -> api.WarehouseSystem:
    """A warehouse system with what it asks for."""
    return api.WarehouseSystem(
        id=system.id,
        name=system.name,
        fields=[
            api.SystemField(
                name=field.name,
                label=field.label,
                help=field.help,
                required=field.required,
                secret=field.secret,
                default_value=field.default,
            )
            for field in system.fields
        ],
        default_meaning=MEANINGS[system.default_meaning],
        meanings=list(MEANINGS.values()),
    )
