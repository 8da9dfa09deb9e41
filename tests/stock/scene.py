"""One merchant's story: facts that arrive in any order, and the invariants after each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from spojka.api.orders.v1 import order_pb2
from spojka.outbox import new_id
from stock.connections.model import StockRule
from stock.domain.netting import ReadBack
from stock.imports.read_back import record_read_backs
from stock.imports.unsent import resolve_unsent
from stock.levels.apply import Answer, apply_answer
from stock.listings.links import link_adrift
from stock.warehouses.errors import WarehouseError
from stock.warehouses.port import Document
from stock.worker.condition import note_trouble, note_well
from stock.worker.connection_worker import ConnectionWorker
from stock.worker.numbering import draw
from tests.stock.conftest import Merchant
from tests.stock.invariants import (
    ZERO,
    Wanted,
    check_available,
    check_levels,
    netted_by,
    take_picture,
)
from tests.stock.observed import Died, Happening, ObservedClient, Observer, Truth

JOBS_MAX = 300
Lines = Mapping[str, tuple[str, int]]
"""What an order wants: product number and quantity by line id."""


@dataclass
class Placed:
    """An order as its shop knows it."""

    message: order_pb2.Order
    lines: Lines
    states: list[order_pb2.Order] = field(default_factory=list)

    @property
    def id(self) -> UUID:
        return UUID(self.message.id)

    @property
    def cancelled(self) -> bool:
        return self.message.fulfilment_state == order_pb2.FULFILMENT_STATE_CANCELLED


@dataclass(frozen=True)
class Heard:
    """A document's reading whose answer is not applied yet."""

    order: Placed
    read_back: ReadBack


@dataclass
class Scene:
    """A merchant, the truth of its warehouse, and the facts that are still under way."""

    merchant: Merchant
    observer: Observer = field(init=False)
    orders: list[Placed] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    worker: ConnectionWorker | None = None

    def __post_init__(self) -> None:
        self.observer = Observer(self.merchant)

    # What shops tell.

    async def order(self, lines: Lines) -> Placed:
        placed = Placed(await self._message(lines), lines)
        self.orders.append(placed)
        await self.tell(placed)
        return placed

    async def amend(self, placed: Placed, lines: Lines) -> None:
        placed.lines = lines
        placed.message.content_revision += 1
        _set_lines(placed.message, lines)
        await self.tell(placed)

    async def cancel(self, placed: Placed) -> None:
        placed.message.fulfilment_state = order_pb2.FULFILMENT_STATE_CANCELLED
        await self.tell(placed)

    async def tell(self, placed: Placed) -> None:
        placed.message.revision += 1
        copy = order_pb2.Order()
        copy.CopyFrom(placed.message)
        placed.states.append(copy)
        await self.merchant.tell(copy)

    async def _message(self, lines: Lines) -> order_pb2.Order:
        order = order_pb2.Order(
            id=str(new_id()),
            channel_id="shop-a",
            channel_order_id=str(len(self.orders)),
            number=str(len(self.orders)),
            currency="CZK",
            content_revision=1,
            fulfilment_state=order_pb2.FULFILMENT_STATE_OPEN,
        )
        _set_lines(order, lines)
        return order

    # What the service does, one job at a time.

    async def job(self) -> bool:
        """One job of the connection's worker, whose time has come; False when there is none."""
        await self.merchant.change(retry_time=None)
        await self._make_due()
        worker = await self._at_work()
        job = await worker._next_job()
        if job is None:
            return False
        try:
            await job()
            await note_well(worker.database, worker.row)
        except WarehouseError as error:
            await note_trouble(worker.database, worker.row, error)
        except Died:
            self.worker = None
        return True

    async def rest(self) -> None:
        """Work until nothing is due, with nothing in the way any more."""
        for _ in range(JOBS_MAX):
            worker = await self._at_work()
            job = await worker._next_job()
            if job is None:
                return
            await job()
        raise AssertionError("the work never ends")

    async def request_reading(self, kind: str) -> None:
        await self.merchant.change(requested_reading=kind, requested_cause="test")

    async def _at_work(self) -> ConnectionWorker:
        if self.worker is None:
            self.worker = await self.merchant.worker()
            self.worker.client = ObservedClient(self.merchant.warehouse, self.observer)
            await self.worker._recover()
        return self.worker

    async def _make_due(self) -> None:
        async with self.merchant.database.transaction(self.merchant.tenant) as connection:
            await connection.execute(
                "UPDATE order_import SET next_attempt_time = now()"
                " WHERE tenant_id = %s AND next_attempt_time < now() + interval '1 day'",
                [self.merchant.tenant],
            )

    # Answers that come late, twice, or out of turn.

    async def ask(self, number: str | None = None) -> None:
        """Ask for levels (of one product, or of all); the answer is not applied yet."""
        merchant = self.merchant
        numbered = await draw(merchant.database, merchant.tenant, merchant.connection_id)
        truth = self.observer.note(numbered.number)
        cards = [
            card for card in truth.cards.values() if number is None or card.product_number == number
        ]
        self.answers.append(Answer(numbered.number, datetime.now(UTC), cards, "late"))

    async def apply(self, answer: Answer, *, rule: StockRule | None = None) -> None:
        """Apply an answer; `rule` is what the process knew when it asked."""
        rule = rule or (await self.merchant.row()).rule
        async with self.merchant.database.transaction(self.merchant.tenant) as connection:
            await apply_answer(connection, rule, answer, hold_zeroing=False)

    async def ask_document(self, placed: Placed) -> None:
        """Read an order's document; the answer is not applied yet."""
        row = await self.merchant.import_of(placed.message)
        if row.state != "acked":
            return
        merchant = self.merchant
        numbered = await draw(merchant.database, merchant.tenant, merchant.connection_id)
        document = self.observer.note(numbered.number).documents.get(row.document_id)
        self.heard.append(Heard(placed, ReadBack(numbered.number, document)))

    async def hear(self, heard: Heard) -> None:
        rule = (await self.merchant.row()).rule
        async with self.merchant.database.transaction(self.merchant.tenant) as connection:
            await record_read_backs(connection, rule, {heard.order.id: heard.read_back})

    # What people do.

    def document(self, placed: Placed) -> Document | None:
        """The order's live document; there is never more than one."""
        live = [
            document
            for document in self.merchant.warehouse.documents.values()
            if (document.external_id or "").startswith(placed.message.id)
        ]
        assert len(live) <= 1, f"order {placed.message.number} stands {len(live)} times"
        return live[0] if live else None

    async def deactivate(self) -> None:
        await self.merchant.change(state="inactive")

    async def activate(self) -> None:
        if (await self.merchant.row()).active:
            return
        await self.merchant.change(state="starting", retry_time=None)
        async with self.merchant.database.transaction(self.merchant.tenant) as connection:
            await link_adrift(connection, self.merchant.tenant)
        await self.resolve()

    async def resolve(self) -> None:
        async with self.merchant.database.transaction(self.merchant.tenant) as connection:
            await resolve_unsent(connection, self.merchant.tenant)

    async def settle(self) -> None:
        """Everything sent, read back and read in full, with nothing in the way any more."""
        warehouse = self.merchant.warehouse
        warehouse.lose_answers = warehouse.lose_requests = warehouse.refuse_connections = 0
        self.observer.before.clear()
        self.observer.after.clear()
        await self.activate()
        for _ in range(3):
            await self.merchant.change(retry_time=None)
            await self._make_due()
            await self.request_reading("full")
            await self.rest()
            await self.resolve()

    def next_request(self, happening: Happening, *, answered: bool) -> None:
        """Let something happen while the next request is under way."""
        (self.observer.after if answered else self.observer.before).append(happening)

    async def die(self) -> None:
        raise Died

    # What must hold.

    async def check(self) -> None:
        """The invariants that hold at every moment."""
        row = await self.merchant.row()
        picture = await take_picture(self.merchant)
        check_levels(picture, self.observer.truths)
        check_available(
            picture, self.observer.truths, row.rule.meaning, row.aggregation, row.buffer
        )
        wanted: dict[tuple[UUID, str], Decimal] = {}
        for entry in picture.wanted:
            key = entry.order_id, picture.numbers[entry.item_id]
            wanted[key] = wanted.get(key, ZERO) + entry.quantity
        for placed in self.orders:
            self.document(placed)
            if not placed.cancelled:
                for number, quantity in totals(placed.lines).items():
                    assert wanted.get((placed.id, number), ZERO) == quantity, (
                        f"order {placed.message.number} wants {quantity} of {number}, "
                        f"{wanted.get((placed.id, number), ZERO)} is held"
                    )

    async def check_rest(self) -> None:
        """At rest what is available is the system's own number, less what it does not net.

        Where a document can't follow its order any more, no less is held than
        that: which of the new lines the old document stands for, a person says.
        """
        await self.check()
        stuck = await self._stuck()
        row = await self.merchant.row()
        picture = await take_picture(self.merchant)
        meaning, warehouse = row.rule.meaning, self.merchant.warehouse
        truth = Truth(warehouse.cards, warehouse.documents)
        for item_id, number in picture.numbers.items():
            free = {
                card.warehouse: card.available(meaning)
                for card in warehouse.cards.values()
                if card.product_number == number
            }
            nowhere = ZERO
            for wanted in picture.wanted:
                if wanted.item_id != item_id:
                    continue
                rest = max(ZERO, wanted.quantity - netted_by(truth, wanted, number, meaning))
                if wanted.warehouse not in free:
                    nowhere += rest
                else:
                    free[wanted.warehouse] -= rest
            parts = list(free.values()) or [ZERO]
            together = sum(parts, ZERO) if row.aggregation == "sum" else max(parts)
            expected = max(ZERO, together - nowhere - row.buffer)
            offered = picture.available[item_id]
            exact = not any(
                entry.item_id == item_id and entry.order_id in stuck for entry in picture.wanted
            )
            assert offered == expected or (not exact and offered < expected), (
                f"{number}: {offered} is offered, {expected} are free"
            )
        await self._check_imports(picture.wanted)
        await self._check_events(picture.available)

    async def _stuck(self) -> set[UUID]:
        rows = [await self.merchant.import_of(placed.message) for placed in self.orders]
        return {
            row.order_id
            for row in rows
            if row.state == "acked" and row.document_revision < row.content_revision
        }

    async def _check_imports(self, wanted: list[Wanted]) -> None:
        held = {entry.order_id for entry in wanted if entry.quantity}
        for placed in self.orders:
            row = await self.merchant.import_of(placed.message)
            document = self.document(placed)
            assert row.state in {"acked", "withdrawn"}, f"{row.state}: {row.reason}"
            if row.state == "withdrawn":
                assert placed.cancelled
                assert document is None or document.cancelled
                assert placed.id not in held, "a withdrawn order holds goods"
            elif placed.cancelled or row.document_revision < row.content_revision:
                # Its document can't be deleted: a person must mend it.
                assert "stock.cannot_amend" in await self.merchant.tasks()

    async def _check_events(self, available: Mapping[UUID, Decimal]) -> None:
        last = {event.item_id: event for event in await self.merchant.events()}
        for item_id, quantity in available.items():
            assert Decimal(last[str(item_id)].available) == quantity


def totals(lines: Lines) -> dict[str, Decimal]:
    """What an order wants of each product, over its lines."""
    result: dict[str, Decimal] = {}
    for number, quantity in lines.values():
        result[number] = result.get(number, ZERO) + quantity
    return result


def _set_lines(order: order_pb2.Order, lines: Lines) -> None:
    del order.lines[:]
    for line_id, (number, quantity) in lines.items():
        order.lines.add(
            id=line_id,
            product_number=number,
            name=f"Item {number}",
            quantity=str(quantity),
            unit_price="100",
            vat_rate="21",
        )


async def begun(merchant: Merchant, **on_hand: str) -> Scene:
    """A scene in which these cards, and those put before, are all read."""
    for product, units in on_hand.items():
        merchant.warehouse.put(product, on_hand=units)
    scene = Scene(merchant)
    await scene.request_reading("full")
    await scene.rest()
    return scene
