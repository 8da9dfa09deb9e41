"""The work of one connection, one request at a time, the most urgent first.

Imports come before targeted readings, these before probes, these before the
next page of a long reading; a long queue of imports lets a page through now
and then.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from spojka import leases
from spojka.database import Connection, Database
from stock.connections.model import ConnectionRow, load_connection
from stock.connections.warehouses import included_warehouses, remember_warehouses
from stock.domain.gate import LEAST_ZEROED, Gate
from stock.domain.netting import ReadBack
from stock.imports.importer import Importer
from stock.imports.looking_up import adopt
from stock.imports.read_back import record_read_backs
from stock.imports.steps import take_step
from stock.imports.store import ImportRow, load_imports
from stock.imports.waiting import watch_waiting_holds
from stock.levels.apply import Answer, apply_answer, stocked_cards
from stock.levels.relevel import relevel
from stock.levels.retire import retire_others
from stock.warehouses.errors import Refused, Unreadable, WarehouseError
from stock.warehouses.port import CardKey, Document, WarehouseClient, WarehouseSystem
from stock.worker import agenda
from stock.worker.condition import note_trouble, note_well
from stock.worker.numbering import draw
from stock.worker.reading import Reading
from stock.worker.recovery import resume_readings, say_in
from stock.worker.set_aside import forget_settled, note_readable, set_aside, tell_unreadable

IMPORTS_IN_A_ROW: Final = 20
TARGETS_MAX: Final = 1000
LOOKED_UP_BY_HAND_MAX: Final = 50
UNREADABLE_MAX: Final = 8
"""Documents of one answer that are looked for one by one; with more, the system is in trouble."""
Job = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class ConnectionWorker:
    """Works on one leased connection until nothing is due."""

    database: Database
    lease: leases.Lease
    row: ConnectionRow
    system: WarehouseSystem
    client: WarehouseClient
    after_commit: Callable[[], None]
    reading: Reading | None = None
    targets: dict[tuple[str, str], CardKey] = field(default_factory=dict)
    documents: deque[str] = field(default_factory=deque)
    by_hand: deque[UUID] = field(default_factory=deque)
    imports_in_a_row: int = 0
    probed: bool = False
    """Since the last page of a reading: the next probe waits for another page."""

    async def run(self) -> timedelta:
        """Do all that is due; returns how long nothing will be."""
        await self._recover()
        while True:
            job = await self._next_job()
            if job is None:
                return await self._rest()
            try:
                await job()
                await note_well(self.database, self.row)
            except WarehouseError as error:
                await note_trouble(self.database, self.row, error)

    async def _recover(self) -> None:
        epoch = await resume_readings(self.database, self.row)
        self._take_named()
        if self.row.epoch < epoch:
            await say_in(self.database, self.row, epoch)
        if self.row.state == "starting":
            await retire_others(self.database, self.row.tenant_id, self.row.id, self.after_commit)

    def _take_named(self) -> None:
        """Take what a probe named and a stopped process did not read any more."""
        if self.row.named is None:
            return
        self._target(CardKey(*card) for card in self.row.named["cards"])
        self.documents.extend(self.row.named["documents"])

    async def _next_job(self) -> Job | None:
        async with self.database.transaction(self.row.tenant_id) as connection:
            self.row = await load_connection(connection, self.row.tenant_id, self.row.id)
            now = self.row.as_of_time
            if not self.row.active or (self.row.retry_time and self.row.retry_time > now):
                return None
            order_id = await agenda.due_import(connection, self.row)
            unread = await agenda.unread_documents(connection, self.row, self.system.max_keys)
        page_waits = self.reading is not None and self.imports_in_a_row >= IMPORTS_IN_A_ROW
        due = None if self.reading else agenda.reading_due(self.row)
        # Where the warehouse is slow, or much moves, a probe is always due: a reading goes on all
        # the same, a page between two probes and what they name.
        reading_waits = self.reading is not None or due is not None
        probe_due = (
            self.row.state == "active"
            and self.row.next_probe_time <= now
            and not (self.probed and reading_waits)
        )
        jobs: list[tuple[object, Job]] = [
            (self.row.decide_after, self._relevel),
            (page_waits, self._next_page),
            (order_id, partial(self._import, order_id)),
            (unread, partial(self._read_back, unread)),
            (self.documents, self._read_next_documents),
            (self.by_hand, self._look_up_by_hand),
            (self.targets, self._read_targets),
            (probe_due, self._probe),
            (self.reading, self._next_page),
            (due, partial(self._begin_reading, *(due or ("", "")))),
        ]
        return next((job for wanted, job in jobs if wanted), None)

    async def _relevel(self) -> None:
        await relevel(self.database, self.row.tenant_id, self.row.id, self.after_commit)

    async def _import(self, order_id: UUID | None) -> None:
        assert order_id is not None
        self.imports_in_a_row += 1
        importer = Importer(
            self.database,
            self.row,
            self.lease,
            self.client,
            self.after_commit,
            self._zone(),
            timedelta(seconds=self.system.settle_seconds),
        )
        before = await self._load_import(order_id)
        await take_step(importer, order_id)
        if before.document_id and not (await self._load_import(order_id)).document_id:
            # The document is gone, and no probe tells of it: its cards are read anew at once.
            self._target(CardKey(line.warehouse, line.product_number) for line in before.sent)

    async def _load_import(self, order_id: UUID) -> ImportRow:
        async with self.database.transaction(self.row.tenant_id) as connection:
            return (await load_imports(connection, self.row.tenant_id, [order_id]))[order_id]

    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.row.settings.get("time_zone") or self.system.time_zone)

    async def _read_next_documents(self) -> None:
        count = min(len(self.documents), self.system.max_keys)
        await self._read_back([self.documents.popleft() for _ in range(count)])

    async def _read_back(self, document_ids: list[str]) -> None:
        errors = await self._read_readable(document_ids)
        if not errors:
            return
        # Where none of several can be read, it is the system that is in trouble.
        in_trouble = len(errors) == len(document_ids) > 1 or len(errors) > UNREADABLE_MAX
        async with self.database.transaction(self.row.tenant_id) as connection:
            await set_aside(connection, self.row, errors)
            if not in_trouble:
                await tell_unreadable(connection, self.row, errors)
        if in_trouble:
            raise next(iter(errors.values()))

    async def _read_readable(self, document_ids: list[str]) -> dict[str, WarehouseError]:
        # One that can't be read must not keep the others from being read: it is
        # found by halves, while there are few. Gives what is wrong with each.
        try:
            await self._read_documents(document_ids)
        except (Refused, Unreadable) as error:
            middle = len(document_ids) // 2
            if not middle:
                return {document_ids[0]: error}
            first = await self._read_readable(document_ids[:middle])
            if len(first) > UNREADABLE_MAX:
                return first | dict.fromkeys(document_ids[middle:], error)
            return first | await self._read_readable(document_ids[middle:])
        return {}

    async def _read_documents(self, document_ids: list[str]) -> None:
        numbered = await draw(self.database, self.row.tenant_id, self.row.id)
        documents = await self.client.read_documents(document_ids)
        found = {document.document_id: document for document in documents}
        async with self.database.transaction(self.row.tenant_id) as connection:
            orders = await agenda.orders_of_documents(connection, self.row, document_ids)
        read_backs = {
            order_id: ReadBack(numbered.number, found.get(document_id))
            for document_id, order_id in orders
        }
        async with self.database.transaction(self.row.tenant_id) as connection:
            await record_read_backs(connection, self.row.rule, read_backs)
            await note_readable(connection, self.row, read_backs)
            imports = await load_imports(connection, self.row.tenant_id, read_backs)
        for row in imports.values():
            self._target(CardKey(line.warehouse, line.product_number) for line in row.sent)
        self._target(_cards_of(found.values()))
        self.after_commit()

    async def _look_up_by_hand(self) -> None:
        order_id = self.by_hand.popleft()
        # First of all: one whose look-up fails must not be the next one again.
        async with self.database.transaction(self.row.tenant_id) as connection:
            await agenda.put_last(connection, self.row, order_id)
        importer = Importer(
            self.database,
            self.row,
            self.lease,
            self.client,
            self.after_commit,
            self._zone(),
            timedelta(0),
        )
        await adopt(importer, order_id)

    async def _read_targets(self) -> None:
        keys = list(self.targets.values())[: self.system.max_keys]
        numbered = await draw(self.database, self.row.tenant_id, self.row.id)
        try:
            cards = await self.client.read_cards(keys)
        except (Refused, Unreadable):
            # One card that can't be read must not stand in the way of the
            # others for ever: the next reading takes them one by one.
            self._forget(keys)
            raise
        answer = Answer(numbered.number, numbered.asked_time, cards, "targeted reading")
        async with self.database.transaction(self.row.tenant_id) as connection:
            applied = await apply_answer(connection, self.row.rule, answer, hold_zeroing=True)
            if await self._gate_holds(connection, len(applied.zeroing)):
                # A full reading asks a person, if it finds the same.
                await self._request_full(connection)
            elif applied.zeroing:
                rest = replace(answer, cards=applied.zeroing)
                await apply_answer(connection, self.row.rule, rest, hold_zeroing=False)
        self.after_commit()
        self._forget(keys)

    async def _gate_holds(self, connection: Connection, zeroing: int) -> bool:
        if zeroing < LEAST_ZEROED:
            return False
        gate = Gate(self.row.mass_change_limit_percent)
        return gate.holds(zeroing, await stocked_cards(connection, self.row.rule))

    async def _request_full(self, connection: Connection) -> None:
        # Where a person is asked already, one more reading would only be held as well.
        await connection.execute(
            """
            UPDATE connection SET requested_reading = 'full', requested_cause = 'mass change'
            WHERE tenant_id = %s AND id = %s
              AND NOT EXISTS (SELECT FROM reading
                              WHERE reading.tenant_id = connection.tenant_id
                                AND reading.connection_id = connection.id
                                AND reading.state = 'held')
            """,
            [self.row.tenant_id, self.row.id],
        )

    def _forget(self, keys: Iterable[CardKey]) -> None:
        for key in keys:
            self.targets.pop((key.warehouse, key.product_number), None)

    async def _probe(self) -> None:
        self.probed = True
        probe = await self.client.probe(self.row.probe_cursor)
        incomplete = probe.incomplete or len(self.targets) + len(probe.cards) > TARGETS_MAX
        self._target(probe.cards)
        self.documents.extend(set(probe.document_ids) - set(self.documents))
        # Kept with the cursor: what a probe named once, it does not name again.
        cards = [(card.warehouse, card.product_number) for card in self.targets.values()]
        named = {"cards": cards, "documents": list(self.documents)}
        async with self.database.transaction(self.row.tenant_id) as connection:
            await connection.execute(
                """
                UPDATE connection SET probe_cursor = %s, named = %s,
                    next_probe_time = now() + make_interval(secs => probe_seconds),
                    requested_reading = CASE WHEN %s THEN coalesce(requested_reading, 'incremental')
                                             ELSE requested_reading END,
                    requested_cause = CASE WHEN %s THEN 'probe' ELSE requested_cause END
                WHERE tenant_id = %s AND id = %s
                """,
                [
                    probe.cursor,
                    Jsonb(named) if cards or self.documents else None,
                    incomplete,
                    incomplete,
                    self.row.tenant_id,
                    self.row.id,
                ],
            )

    async def _begin_reading(self, kind: str, cause: str) -> None:
        found = await self.client.warehouses()
        async with self.database.transaction(self.row.tenant_id) as connection:
            await remember_warehouses(connection, self.row.tenant_id, self.row.id, found)
            included = await included_warehouses(connection, self.row.tenant_id, self.row.id)
        self.reading = Reading(self.database, self.row, kind, cause, included, self.after_commit)
        await self.reading.begin()

    async def _next_page(self) -> None:
        assert self.reading is not None
        self.imports_in_a_row = 0
        self.probed = False
        self.reading.row = self.row
        try:
            done = await self.reading.next_page(self.client)
        except WarehouseError as error:
            await self.reading.fail(error.message)
            self.reading = None
            raise
        if done:
            finished = await self.reading.finish()
            self.reading = None
            if finished:
                await self._after_reading()

    async def _after_reading(self) -> None:
        async with self.database.transaction(self.row.tenant_id) as connection:
            documents = await agenda.open_documents(connection, self.row)
            self.by_hand.extend(
                await agenda.imports_by_hand(connection, self.row, LOOKED_UP_BY_HAND_MAX)
            )
            await watch_waiting_holds(connection, self.row)
            await forget_settled(connection, self.row)
        known = set(self.documents)
        self.documents.extend(found for found in documents if found not in known)

    def _target(self, keys: Iterable[CardKey]) -> None:
        for key in keys:
            if len(self.targets) < TARGETS_MAX:
                self.targets[key.warehouse, key.product_number] = key

    async def _rest(self) -> timedelta:
        async with self.database.transaction(self.row.tenant_id) as connection:
            if self.row.named is not None and not self.targets and not self.documents:
                await connection.execute(
                    "UPDATE connection SET named = NULL WHERE tenant_id = %s AND id = %s",
                    [self.row.tenant_id, self.row.id],
                )
                self.row = replace(self.row, named=None)
            left = await agenda.time_left(connection, self.row)
        if not self.row.active:
            return timedelta(days=1)
        return max(timedelta(0), left)


def _cards_of(documents: Iterable[Document]) -> Iterable[CardKey]:
    for document in documents:
        for line in document.lines:
            if line.product_number and line.warehouse:
                yield CardKey(line.warehouse, line.product_number)
