"""What the goods side answers offline: `spojka inspect stock` and `spojka inspect order`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from google.protobuf import json_format

from spojka.api.orders.v1 import order_pb2
from spojka.inspection import InspectError
from spojka.rpc.validation import violations_of
from spojka.values import format_decimal
from stock.imports.documents import order_document
from stock.warehouses.errors import SettingsInvalid, WarehouseError
from stock.warehouses.port import Card, CardKind, Meaning, WarehouseSystem
from stock.warehouses.registry import SYSTEMS

File = Annotated[
    Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The document.")
]
System = Annotated[str, typer.Option(help="The warehouse system, such as pohoda.")]
MAX_JSON_BYTES: Final = 16 * 1024 * 1024


def inspect_stock(file: File, *, system: System) -> Mapping[str, object]:
    """Show what a warehouse system's stock document says of each card.

    `available` is the number under the system's default meaning; it can be
    negative. Services have no level and are left out.
    """
    chosen = _system(system)
    meaning = chosen.default_meaning
    try:
        with file.open("rb") as stream:
            cards = [
                _card(card, meaning)
                for card in chosen.inspect_stock(stream)
                if card.kind is not CardKind.SERVICE
            ]
    except WarehouseError as error:
        raise InspectError(_sentence(file, error)) from error
    return {"items": cards}


def inspect_order(
    file: File,
    *,
    system: System,
    connection: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The connection's settings as JSON."),
    ] = None,
) -> Mapping[str, object]:
    """Show the requests that would import an order (its message as JSON)."""
    chosen = _system(system)
    order = _order(file)
    document = order_document(
        order,
        f"{order.id or order.channel_order_id}.{order.content_revision or 1}",
        zone=ZoneInfo(chosen.time_zone),
        reserve=True,
    )
    settings = {} if connection is None else _settings(connection)
    try:
        requests = chosen.inspect_requests(document, settings)
    except SettingsInvalid as error:
        raise InspectError(f"{connection or 'settings'}: {error}") from error
    except WarehouseError as error:
        raise InspectError(_sentence(file, error)) from error
    return {
        "requests": [
            {
                "method": request.method,
                "path": request.path,
                "headers": dict(request.headers),
                "body": request.body,
            }
            for request in requests
        ]
    }


def _system(name: str) -> WarehouseSystem:
    system = SYSTEMS.get(name)
    if system is None:
        raise InspectError(
            f"the system {name!r} is unknown; known are {', '.join(sorted(SYSTEMS))}"
        )
    return system


def _card(card: Card, meaning: Meaning) -> dict[str, object]:
    return {
        "number": card.product_number,
        "ean": card.ean,
        "name": card.name,
        "warehouse": card.warehouse,
        "on_hand": format_decimal(card.on_hand),
        "reserved": format_decimal(card.reserved),
        "available": format_decimal(card.available(meaning)),
        "unit": card.unit,
    }


def _order(file: Path) -> order_pb2.Order:
    try:
        order = json_format.Parse(_text(file), order_pb2.Order())
    except json_format.ParseError as error:
        raise InspectError(f"{file}: {error}") from error
    violations = violations_of(order)
    if violations:
        problems = "; ".join(f"{entry.field}: {entry.description}" for entry in violations)
        raise InspectError(f"{file}: {problems}")
    for place, line in enumerate(order.lines, 1):
        line.id = line.id or str(place)
    return order


def _settings(file: Path) -> dict[str, str]:
    try:
        loaded: Any = json.loads(_text(file))
    except (ValueError, RecursionError) as error:
        raise InspectError(f"{file}: is not JSON: {error}") from error
    if not isinstance(loaded, dict):
        raise InspectError(f"{file}: wants an object of settings")
    settings = loaded.get("settings", loaded)
    if not isinstance(settings, dict):
        raise InspectError(f"{file}: settings wants an object")
    return {str(name): _plain(value) for name, value in settings.items()}


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text(file: Path) -> str:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise InspectError(f"{file}: is larger than {MAX_JSON_BYTES} bytes")
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InspectError(f"{file}: is not UTF-8 text: {error}") from error


def _sentence(file: Path, error: WarehouseError) -> str:
    return " ".join(part for part in (f"{file}: {error.message}", error.advice) if part)
