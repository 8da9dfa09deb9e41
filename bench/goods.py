"""A merchant with a large catalogue: the cards of readings, and a connection to read them by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, cast
from uuid import uuid4

from spojka.database import Database
from stock.connections.model import ConnectionRow, load_connection
from stock.warehouses.pohoda.fields import DEFAULTS
from stock.warehouses.port import Card, CardKind, CardPage, WarehouseClient
from stock.worker.reading import Reading

STORE: Final = "HLAVNÍ"
PAGE_CARDS: Final = int(DEFAULTS["page_records"])
"""Cards a page: what the Pohoda connector asks for unless it is told otherwise."""

_CONNECT: Final = """
    INSERT INTO connection (tenant_id, id, system, name, state, settings, sealing_key,
        credentials, credential_names, meaning, aggregation, buffer, pairing, automatic_import,
        reading_seconds, probe_seconds, full_hours, mass_change_limit_percent, impulse_token)
    VALUES (%s, %s, 'pohoda', 'bench', 'active', '{}', '', '', '{}', 'net_of_reservations', 'sum',
            0, 'product_number_then_ean', true, 1800, 60, 24, 100, %s)
"""


@dataclass(frozen=True, slots=True)
class Merchant:
    """A tenant with an active connection to a warehouse system of one store."""

    database: Database
    row: ConnectionRow

    async def read(self, cards: Sequence[Card]) -> Reading:
        """A full reading from its beginning to its end, as the worker does it, page by page."""
        reading = Reading(
            self.database, self.row, "full", "bench", [STORE], after_commit=lambda: None
        )
        client = cast("WarehouseClient", ReadyPages(cards))  # a reading asks for pages only
        await reading.begin()
        while not await reading.next_page(client):
            pass
        await reading.finish()
        return reading


@dataclass(frozen=True, slots=True)
class ReadyPages:
    """A warehouse system's client whose answers were read beforehand."""

    cards: Sequence[Card]

    async def read_full(self, position: str | None, _warehouses: Sequence[str]) -> CardPage:
        """The next page; positions are places in the sequence."""
        start = int(position or 0)
        end = start + PAGE_CARDS
        more = str(end) if end < len(self.cards) else None
        return CardPage(self.cards[start:end], next_position=more)


async def connect_merchant(database: Database) -> Merchant:
    """A new tenant, connected."""
    tenant, connection_id = uuid4(), uuid4()
    async with database.transaction(tenant) as connection:
        await connection.execute(_CONNECT, [tenant, connection_id, str(connection_id)])
        await connection.execute(
            "INSERT INTO warehouse (tenant_id, connection_id, code, name, place, included)"
            " VALUES (%s, %s, %s, 'Hlavní sklad', 1, true)",
            [tenant, connection_id, STORE],
        )
        return Merchant(database, await load_connection(connection, tenant, connection_id))


def catalogue(count: int) -> list[Card]:
    """Cards of as many items, as a tools merchant has them."""
    return [card(number) for number in range(1, count + 1)]


def card(number: int) -> Card:
    """One card of the catalogue; all texts are as long as those of every other one."""
    return Card(
        card_id=str(number),
        warehouse=STORE,
        product_number=f"NAR-{number:07}",
        ean=_ean(number),
        name=f"Kladivo tesařské {number:07}, násada jasan",
        unit="ks",
        kind=CardKind.GOODS,
        on_hand=Decimal(100 + number % 50),
        reserved=Decimal(number % 4),
        ordered=Decimal(number % 4),
    )


def moved(cards: Sequence[Card], units: int) -> list[Card]:
    """The same cards with other quantities, every one of them."""
    return [replace(card, on_hand=card.on_hand + units) for card in cards]


def _ean(number: int) -> str:
    digits = f"859{number:09}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
