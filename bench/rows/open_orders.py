"""All open orders of a merchant, read back after a reading.

Measured: what the worker does with the answers, without the warehouse system:
the documents of as many orders as one request names are recorded, the holds of
their items decided, and what changed published, one transaction a request. The
items are few, so that each is held by many orders, as bestsellers are; the
catalogue is large, since what a reading spoke for is looked through. There is
no ceiling; the figure of the smaller amount says whether work grows with the
square of what is open.
"""

import time
from decimal import Decimal
from typing import Final
from uuid import UUID

from bench.goods import STORE, Merchant, catalogue, connect_merchant
from bench.result import Result, absolute
from bench.sample_order import sample_order
from bench.stage import Stage
from spojka.api.orders.v1 import order_pb2
from spojka.outbox import new_id
from stock.domain.imports import ImportState, external_id
from stock.domain.netting import ReadBack, SentLine
from stock.imports.intake import take_orders
from stock.imports.read_back import record_read_backs
from stock.imports.store import dump_sent_lines, lock_imports, update_import
from stock.warehouses.pohoda.stock_request import MAX_FILTER_GROUPS
from stock.warehouses.port import Document, DocumentLine
from stock.worker.numbering import draw

CARDS: Final = 20_000
QUICK_CARDS: Final = 5_000
ITEMS: Final = 10
OPEN: Final = (100, 1_000)
QUICK_OPEN: Final = (30, 300)


async def read_back(stage: Stage) -> list[Result]:
    """Few open orders, then ten times as many of the same items."""
    cards = catalogue(QUICK_CARDS if stage.quick else CARDS)
    results = []
    for count in QUICK_OPEN if stage.quick else OPEN:
        merchant = await connect_merchant(await stage.database("stock"))
        await merchant.read(cards)
        documents = await _sent(merchant, count)
        start = time.perf_counter()
        await _record(merchant, documents)
        seconds = time.perf_counter() - start
        what = f"{count:,} open orders of {ITEMS} items read back"
        results.append(absolute(what, seconds, "s"))
    return results


async def _sent(merchant: Merchant, count: int) -> dict[UUID, Document]:
    """Orders whose documents stand in the warehouse system, by their ids."""
    tenant = merchant.row.tenant_id
    documents = {}
    async with merchant.database.transaction(tenant) as connection:
        orders = {order_id: _order(order_id, place) for place, order_id in _numbered(count)}
        await take_orders(connection, tenant, orders)
        for order_id, row in (await lock_imports(connection, tenant, orders)).items():
            goods = orders[order_id].lines[0]
            quantity = Decimal(goods.quantity)
            sent = [SentLine(goods.id, goods.product_number, STORE, quantity)]
            lines = (DocumentLine(goods.product_number, STORE, quantity, Decimal(0)),)
            document = documents[order_id] = Document(
                document_id=row.order_number,
                number=row.order_number,
                external_id=external_id(str(order_id), row.content_revision),
                reserved=True,
                executed=False,
                cancelled=False,
                linked=False,
                lines=lines,
            )
            await update_import(
                connection,
                tenant,
                order_id,
                state=ImportState.ACKED,
                document_id=document.document_id,
                document_number=document.number,
                document_revision=row.content_revision,
                sent_lines=dump_sent_lines(sent),
            )
    return documents


def _numbered(count: int) -> list[tuple[int, UUID]]:
    return [(place, new_id()) for place in range(count)]


def _order(order_id: UUID, place: int) -> order_pb2.Order:
    order = sample_order(str(place), id=str(order_id), number=str(place), revision=1)
    order.content_revision = 1
    order.lines[0].id = "1"
    order.lines[0].product_number = f"NAR-{1 + place % ITEMS:07}"
    order.lines[1].id = "2"
    return order


async def _record(merchant: Merchant, documents: dict[UUID, Document]) -> None:
    tenant = merchant.row.tenant_id
    ids = list(documents)
    for first in range(0, len(ids), MAX_FILTER_GROUPS):
        numbered = await draw(merchant.database, tenant, merchant.row.id)
        read = {
            order_id: ReadBack(numbered.number, documents[order_id])
            for order_id in ids[first : first + MAX_FILTER_GROUPS]
        }
        async with merchant.database.transaction(tenant) as connection:
            await record_read_backs(connection, merchant.row.rule, read)
