"""A tenant with a connected model warehouse, driven step by step."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from spojka import leases
from spojka.api.orders.v1 import order_pb2
from spojka.api.stock.v1 import events_pb2
from spojka.database import Database
from spojka.outbox import new_id
from stock.connections.model import ConnectionRow, load_connection
from stock.domain.holds import Hold
from stock.imports.intake import take_orders
from stock.imports.store import ImportRow, load_holds, load_imports
from stock.imports.unsent import resolve_unsent
from stock.levels.relevel import ask, relevel
from stock.warehouses.port import Meaning
from stock.warehouses.registry import SYSTEMS
from stock.worker.connection_worker import ConnectionWorker
from tests.stock.warehouse_model import ModelClient, ModelWarehouse

MakeDatabase = Callable[[str], Awaitable[Database]]


@dataclass
class Merchant:
    """One tenant with a model warehouse; `work` does all that is due."""

    database: Database
    tenant: UUID
    connection_id: UUID
    warehouse: ModelWarehouse = field(default_factory=ModelWarehouse)
    commits: int = 0

    async def row(self) -> ConnectionRow:
        async with self.database.transaction(self.tenant) as connection:
            return await load_connection(connection, self.tenant, self.connection_id)

    async def change(self, **columns: object) -> None:
        names = ", ".join(f"{name} = %s" for name in columns)
        async with self.database.transaction(self.tenant) as connection:
            await connection.execute(
                f"UPDATE connection SET {names} WHERE tenant_id = %s AND id = %s".encode(),
                [*columns.values(), self.tenant, self.connection_id],
            )

    async def decide_anew(self) -> None:
        """Decide every item anew, as after a change of the rule."""
        async with self.database.transaction(self.tenant) as connection:
            await ask(connection, self.tenant, self.connection_id, "rule changed")
        await relevel(self.database, self.tenant, self.connection_id, self._committed)

    async def read(self, kind: str = "full") -> None:
        """Read everything (or what changed), and do whatever else is due."""
        await self.change(requested_reading=kind, requested_cause="test", retry_time=None)
        await self.work()

    async def work(self) -> None:
        """Do all that is due, with imports made due now."""
        async with self.database.transaction(self.tenant) as connection:
            await connection.execute(
                "UPDATE order_import SET next_attempt_time = now()"
                " WHERE tenant_id = %s AND next_attempt_time < now() + interval '1 day'",
                [self.tenant],
            )
        await (await self.worker()).run()
        async with self.database.transaction(self.tenant) as connection:
            await resolve_unsent(connection, self.tenant)

    async def worker(self) -> ConnectionWorker:
        async with self.database.infrastructure() as connection:
            await leases.withdraw(connection, "connection", str(self.connection_id))
            await leases.offer(connection, "connection", str(self.connection_id), self.tenant)
            lease = next(
                lease
                for lease in await leases.claim(
                    connection, "connection", "test", timedelta(minutes=1), 1000
                )
                if lease.subject == str(self.connection_id)
            )
        return ConnectionWorker(
            self.database,
            lease,
            await self.row(),
            SYSTEMS["pohoda"],
            ModelClient(self.warehouse),
            self._committed,
        )

    def _committed(self) -> None:
        self.commits += 1

    async def order(self, *lines: tuple[str, str], number: str = "") -> order_pb2.Order:
        """Take a new order of (product number, quantity) lines."""
        order = order_pb2.Order(
            id=str(new_id()),
            channel_id="shop-a",
            channel_order_id=number or str(uuid4())[:8],
            number=number or str(uuid4())[:8],
            currency="CZK",
            revision=1,
            content_revision=1,
            fulfilment_state=order_pb2.FULFILMENT_STATE_OPEN,
        )
        _set_lines(order, lines)
        await self.tell(order)
        return order

    async def amend(self, order: order_pb2.Order, *lines: tuple[str, str]) -> None:
        order.revision += 1
        order.content_revision += 1
        _set_lines(order, lines)
        await self.tell(order)

    async def cancel(self, order: order_pb2.Order) -> None:
        order.revision += 1
        order.content_revision += 1
        order.fulfilment_state = order_pb2.FULFILMENT_STATE_CANCELLED
        await self.tell(order)

    async def tell(self, order: order_pb2.Order) -> None:
        copy = order_pb2.Order()
        copy.CopyFrom(order)
        async with self.database.transaction(self.tenant) as connection:
            await take_orders(connection, self.tenant, {UUID(order.id): copy})

    async def available(self, number: str) -> Decimal:
        async with self.database.transaction(self.tenant) as connection:
            cursor = await connection.execute(
                "SELECT available FROM item WHERE tenant_id = %s AND product_number = %s",
                [self.tenant, number],
            )
            found = await cursor.fetchone()
        assert found is not None, f"no item {number}"
        return Decimal(found[0])

    async def import_of(self, order: order_pb2.Order) -> ImportRow:
        async with self.database.transaction(self.tenant) as connection:
            return (await load_imports(connection, self.tenant, [UUID(order.id)]))[UUID(order.id)]

    async def holds(self, order: order_pb2.Order) -> list[Hold]:
        async with self.database.transaction(self.tenant) as connection:
            return await load_holds(connection, self.tenant, [UUID(order.id)])

    async def held_reading(self) -> UUID | None:
        """The reading that waits for a person."""
        async with self.database.transaction(self.tenant) as connection:
            cursor = await connection.execute(
                "SELECT id FROM reading WHERE tenant_id = %s AND state = 'held'", [self.tenant]
            )
            found = await cursor.fetchall()
        assert len(found) <= 1
        return found[0][0] if found else None

    async def tasks(self) -> set[str]:
        async with self.database.transaction(self.tenant) as connection:
            cursor = await connection.execute(
                "SELECT kind FROM task WHERE tenant_id = %s AND resolve_time IS NULL", [self.tenant]
            )
            return {found[0] for found in await cursor.fetchall()}

    async def events(self) -> list[events_pb2.StockChanged]:
        """Every StockChanged in the outbox, in its order."""
        async with self.database.autocommit() as connection:
            cursor = await connection.execute(
                "SELECT value FROM outbox WHERE topic = 'stock.v1' AND starts_with(key, %s)"
                " ORDER BY number",
                [str(self.tenant)],
            )
            return [
                events_pb2.StockChanged.FromString(found[0]) for found in await cursor.fetchall()
            ]


def _set_lines(order: order_pb2.Order, lines: tuple[tuple[str, str], ...]) -> None:
    del order.lines[:]
    for place, (number, quantity) in enumerate(lines, 1):
        order.lines.add(
            id=str(place),
            product_number=number,
            name=f"Item {number}",
            quantity=quantity,
            unit_price="100",
            vat_rate="21",
        )


MakeMerchant = Callable[..., Awaitable[Merchant]]


@pytest.fixture
async def stock_database(database_url: str, make_database: MakeDatabase) -> Database:
    """The stock service's database. Nobody pulls its plug: commits need not wait for the disk."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name))
    return await make_database("stock")


async def connect_merchant(
    database: Database,
    meaning: Meaning = Meaning.NET_OF_RESERVATIONS,
    *,
    aggregation: str = "sum",
    buffer: str = "0",
) -> Merchant:
    """A new tenant with an active connection to an empty model warehouse."""
    merchant = Merchant(database, uuid4(), uuid4())
    async with database.transaction(merchant.tenant) as connection:
        await connection.execute(
            """
            INSERT INTO connection (tenant_id, id, system, name, state, settings, sealing_key,
                credentials, credential_names, meaning, aggregation, buffer, pairing,
                automatic_import, reading_seconds, probe_seconds, full_hours,
                mass_change_limit_percent, impulse_token, next_reading_time, next_probe_time)
            VALUES (%s, %s, 'pohoda', 'model', 'active', '{}', '', '', '{}', %s, %s, %s,
                    'product_number_then_ean', true, 1800, 60, 24, 100, %s,
                    now() + interval '1 hour', now() + interval '1 hour')
            """,
            [
                merchant.tenant,
                merchant.connection_id,
                meaning.value,
                aggregation,
                Decimal(buffer),
                str(merchant.connection_id),
            ],
        )
    return merchant


@pytest.fixture
async def make_merchant(stock_database: Database) -> MakeMerchant:
    async def make(meaning: Meaning = Meaning.NET_OF_RESERVATIONS, **options: str) -> Merchant:
        return await connect_merchant(stock_database, meaning, **options)

    return make
