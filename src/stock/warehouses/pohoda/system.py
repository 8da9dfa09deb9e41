"""Pohoda as a warehouse system that can be connected."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from spojka.outbound import OutboundPolicy
from stock.warehouses.errors import SettingsInvalid
from stock.warehouses.pohoda.client import PohodaClient
from stock.warehouses.pohoda.fields import FIELDS
from stock.warehouses.pohoda.inspect import inspect_requests, inspect_stock
from stock.warehouses.pohoda.settings import parse_credentials, parse_settings
from stock.warehouses.pohoda.stock_request import MAX_FILTER_GROUPS
from stock.warehouses.pohoda.transport import Transport
from stock.warehouses.port import (
    Card,
    HttpRequest,
    Meaning,
    OrderDocument,
    SystemField,
    WarehouseClient,
)


@dataclass(frozen=True, slots=True)
class PohodaSystem:
    """Pohoda by Stormware, over its mServer."""

    id: str = "pohoda"
    name: str = "Pohoda"
    fields: Sequence[SystemField] = FIELDS
    # What is free to sell is the count less what is reserved.
    default_meaning: Meaning = Meaning.NET_OF_RESERVATIONS
    max_keys: int = MAX_FILTER_GROUPS
    # The mServer answers in turn: a look-up waits behind whatever came before it.
    settle_seconds: float = 2.0
    time_zone: str = "Europe/Prague"

    def open(
        self,
        settings: Mapping[str, str],
        credentials: Mapping[str, str],
        outbound: OutboundPolicy,
    ) -> WarehouseClient:
        """Make a client. Raises SettingsInvalid naming each field that is wrong."""
        problems: dict[str, str] = {}
        try:
            parsed = parse_settings(settings)
        except SettingsInvalid as error:
            problems |= error.fields
        try:
            proof = parse_credentials(credentials, settings)
        except SettingsInvalid as error:
            problems |= error.fields
        if problems:
            raise SettingsInvalid(problems)
        return PohodaClient(parsed, Transport(parsed, proof, outbound))

    def inspect_stock(self, stream: BinaryIO) -> Iterator[Card]:
        """Read the cards of a response document, offline. Raises WarehouseError."""
        return inspect_stock(stream)

    def inspect_requests(
        self, document: OrderDocument, settings: Mapping[str, str]
    ) -> Sequence[HttpRequest]:
        """What would be sent to import an order, without secrets. Raises SettingsInvalid."""
        return inspect_requests(document, settings)


POHODA = PohodaSystem()
