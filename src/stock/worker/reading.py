"""One reading of a connection: its pages, what it holds back for the gate, and its end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from uuid import UUID

from spojka.database import Connection, Database
from spojka.outbox import new_id
from spojka.tasks import Task, close_tasks, open_task
from spojka.values import ZERO
from stock.connections.model import ConnectionRow
from stock.domain.gate import Gate
from stock.levels.apply import (
    Answer,
    Span,
    apply_answer,
    missing_cards,
    remove_cards,
    stays_active,
)
from stock.levels.relevel import ask
from stock.warehouses.port import Card, CardPage, WarehouseClient
from stock.worker.numbering import Numbered, draw
from stock.worker.recovery import ask_again
from stock.worker.unreadable import forget_unreadable, keep_unreadable

READING_HELD: Final = "stock.reading_held"
SWITCHED_OFF: Final = "the connection was switched off meanwhile"
COVERAGE_KEPT: Final = timedelta(hours=2)
"""How long it is remembered which cards an answer spoke for; longer than any request runs."""


@dataclass(frozen=True, slots=True)
class _Zeroing:
    card: Card
    numbered: Numbered


@dataclass(slots=True)
class Reading:
    """A full or incremental reading under way. Pages are applied as they come."""

    database: Database
    row: ConnectionRow
    kind: str
    cause: str
    warehouses: Sequence[str]
    after_commit: Callable[[], None]
    id: UUID = field(default_factory=new_id)
    position: str | None = None
    cursor: str | None = None
    first: Numbered | None = None
    cards: int = 0
    changed: int = 0
    blind: bool = False
    lets_rise: bool = False
    seen: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    zeroing: list[_Zeroing] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether it speaks for every card there is: none was without even an id."""
        return self.kind == "full" and not self.blind

    async def begin(self) -> None:
        """Record that the reading has begun. A full one of a starting connection lets it rise."""
        self.lets_rise = self.kind == "full" and self.row.state == "starting"
        async with self.database.transaction(self.row.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO reading (tenant_id, id, connection_id, kind, state, cause)"
                " VALUES (%s, %s, %s, %s, 'running', %s)",
                [self.row.tenant_id, self.id, self.row.id, self.kind, self.cause],
            )
            # A full one that was asked for meanwhile is not done with a lesser one.
            await connection.execute(
                "UPDATE connection SET requested_reading = NULL, requested_cause = ''"
                " WHERE tenant_id = %s AND id = %s AND requested_reading IN ('incremental', %s)",
                [self.row.tenant_id, self.row.id, self.kind],
            )

    async def next_page(self, client: WarehouseClient) -> bool:
        """Read and apply one page; True once the reading is complete."""
        numbered = await draw(self.database, self.row.tenant_id, self.row.id)
        self.first = self.first or numbered
        page = await self._ask(client)
        await self._apply(numbered, page)
        self.position = page.next_position
        self.cursor = page.cursor or self.cursor
        return page.next_position is None

    async def finish(self) -> bool:
        """Let the gate decide about what would fall to nothing, and end the reading.

        False where the connection was switched off meanwhile: what it knew is
        frozen, and the reading has failed.
        """
        assert self.first is not None
        async with self.database.transaction(self.row.tenant_id) as connection:
            # Before the connection, as a person's word on a held reading does.
            waiting = await self._lock_held(connection)
            if not await stays_active(connection, self.row.rule):
                await self._set_state(connection, "failed", 0, SWITCHED_OFF)
                return False
            span = Span(self.seen | self.unreadable, self.warehouses, self.first.number)
            missing = await missing_cards(connection, self.row.rule, span) if self.complete else []
            gone = [card_id for card_id, _item in missing]
            stocked, missing_stocked = await self._stocked(connection, gone)
            zeroed = len(self.zeroing) + len(missing_stocked)
            held = Gate(self.row.mass_change_limit_percent).holds(zeroed, stocked)
            if held and not self.complete:
                zeroed += await self._take_over(connection, waiting)
            if held or self.complete:
                await self._replace(connection, waiting)
            if held:
                await self._hold(connection, gone, zeroed, stocked)
                await self._end(connection, "held", zeroed)
            else:
                await self._apply_zeroing(connection)
                if gone:
                    await remove_cards(connection, self.row.rule, span, self._said())
                await self._end(connection, "applied", zeroed)
            if self.complete:
                await self._forget_coverage(connection)
                await forget_unreadable(connection, self.row, self.unreadable)
        self.after_commit()
        if self.lets_rise and self.row.state == "starting":
            await self._let_rise()
        return True

    async def fail(self, problem: str) -> None:
        """Record that the reading broke off, and ask for it again.

        What its pages said stays applied.
        """
        async with self.database.transaction(self.row.tenant_id) as connection:
            await self._set_state(connection, "failed", 0, problem)
            await ask_again(connection, self.row, self.kind, self.cause)

    async def _ask(self, client: WarehouseClient) -> CardPage:
        if self.kind == "full":
            return await client.read_full(self.position, self.warehouses)
        assert self.row.cursor is not None
        return await client.read_changes(self.row.cursor, self.position, self.warehouses)

    async def _apply(self, numbered: Numbered, page: CardPage) -> None:
        self.cards += len(page.cards)
        for entry in page.unreadable:
            if entry.card_id is None:
                self.blind = True
            else:
                self.unreadable.add(entry.card_id)
        self.seen.update(card.card_id for card in page.cards)
        answer = Answer(numbered.number, numbered.asked_time, page.cards, self._said())
        async with self.database.transaction(self.row.tenant_id) as connection:
            applied = await apply_answer(connection, self.row.rule, answer, hold_zeroing=True)
            await keep_unreadable(connection, self.row, page)
        self.after_commit()
        self.changed += applied.changed
        self.zeroing += [_Zeroing(card, numbered) for card in applied.zeroing]

    async def _apply_zeroing(self, connection: Connection) -> None:
        by_request: dict[int, list[_Zeroing]] = {}
        for entry in self.zeroing:
            by_request.setdefault(entry.numbered.number, []).append(entry)
        for number, entries in sorted(by_request.items()):
            answer = Answer(
                number,
                entries[0].numbered.asked_time,
                [entry.card for entry in entries],
                self._said(),
            )
            applied = await apply_answer(connection, self.row.rule, answer, hold_zeroing=False)
            self.changed += applied.changed

    async def _stocked(self, connection: Connection, gone: Sequence[str]) -> tuple[int, list[str]]:
        """How many cards with stock count, and which of them are gone."""
        cursor = await connection.execute(
            """
            SELECT count(*), coalesce(array_agg(card_id) FILTER (WHERE card_id = ANY(%s)), '{}')
            FROM level JOIN warehouse
                ON (warehouse.tenant_id, warehouse.connection_id, warehouse.code)
                 = (level.tenant_id, level.connection_id, level.warehouse)
            WHERE level.tenant_id = %s AND level.connection_id = %s AND available > 0
              AND warehouse.included
            """,
            [list(gone), self.row.tenant_id, self.row.id],
        )
        row = await cursor.fetchone()
        assert row is not None
        return row[0], row[1]

    async def _lock_held(self, connection: Connection) -> list[UUID]:
        cursor = await connection.execute(
            "SELECT id FROM reading WHERE tenant_id = %s AND connection_id = %s"
            " AND state = 'held' FOR UPDATE",
            [self.row.tenant_id, self.row.id],
        )
        return [row[0] for row in await cursor.fetchall()]

    async def _take_over(self, connection: Connection, waiting: Sequence[UUID]) -> int:
        # A reading that does not speak for every card can't say that the others
        # are well: what waits for a person waits on. How many have stock is given.
        cursor = await connection.execute(
            "UPDATE held_level SET reading_id = %s WHERE tenant_id = %s AND reading_id = ANY(%s)"
            " AND card_id <> ALL(%s) RETURNING card_id",
            [
                self.id,
                self.row.tenant_id,
                list(waiting),
                [entry.card.card_id for entry in self.zeroing],
            ],
        )
        taken = [row[0] for row in await cursor.fetchall()]
        _stocked, taken_stocked = await self._stocked(connection, taken)
        return len(taken_stocked)

    async def _replace(self, connection: Connection, waiting: Sequence[UUID]) -> None:
        await connection.execute(
            "UPDATE reading SET state = 'replaced' WHERE tenant_id = %s AND id = ANY(%s)",
            [self.row.tenant_id, list(waiting)],
        )
        await connection.execute(
            "DELETE FROM held_level WHERE tenant_id = %s AND reading_id = ANY(%s)",
            [self.row.tenant_id, list(waiting)],
        )
        await close_tasks(
            connection, self.row.tenant_id, READING_HELD, [f"connection/{self.row.id}"]
        )

    async def _hold(
        self, connection: Connection, missing: Sequence[str], zeroed: int, stocked: int
    ) -> None:
        assert self.first is not None
        nothing = [ZERO] * len(missing)
        await connection.execute(
            """
            INSERT INTO held_level (tenant_id, reading_id, card_id, capture, asked_time,
                                    on_hand, reserved, ordered)
            SELECT %s, %s, row.* FROM unnest(%s::text[], %s::bigint[], %s::timestamptz[],
                                             %s::numeric[], %s::numeric[], %s::numeric[]) AS row
            """,
            [
                self.row.tenant_id,
                self.id,
                [entry.card.card_id for entry in self.zeroing] + list(missing),
                [entry.numbered.number for entry in self.zeroing]
                + [self.first.number] * len(missing),
                [entry.numbered.asked_time for entry in self.zeroing]
                + [self.first.asked_time] * len(missing),
                [entry.card.on_hand for entry in self.zeroing] + nothing,
                [entry.card.reserved for entry in self.zeroing] + nothing,
                [entry.card.ordered for entry in self.zeroing] + nothing,
            ],
        )
        await open_task(
            connection,
            self.row.tenant_id,
            Task(
                READING_HELD,
                f"connection/{self.row.id}",
                f"A reading would set {zeroed} of {stocked} cards with stock to nothing; it waits",
                "Look into the warehouse system; then approve or reject the reading.",
                {"reading": str(self.id), "zeroed": str(zeroed), "stocked": str(stocked)},
            ),
        )

    async def _end(self, connection: Connection, state: str, zeroed: int) -> None:
        await self._set_state(connection, state, zeroed, "")
        await connection.execute(
            """
            UPDATE connection SET last_reading_time = now(), cursor = coalesce(%s, cursor),
                                  last_full_time = CASE WHEN %s THEN coalesce(%s, now())
                                                        ELSE last_full_time END,
                                  next_reading_time = now() + %s
            WHERE tenant_id = %s AND id = %s
            """,
            [
                self.cursor,
                self.complete,
                self.first.asked_time if self.first else None,
                timedelta(seconds=jittered(self.row.reading_seconds, self.id)),
                self.row.tenant_id,
                self.row.id,
            ],
        )

    async def _set_state(
        self, connection: Connection, state: str, zeroed: int, problem: str
    ) -> None:
        await connection.execute(
            """
            UPDATE reading SET state = %s, end_time = now(), cards = %s, changed = %s, zeroed = %s,
                               problem = %s
            WHERE tenant_id = %s AND id = %s
            """,
            [
                state,
                self.cards,
                self.changed,
                zeroed,
                problem,
                self.row.tenant_id,
                self.id,
            ],
        )

    async def _forget_coverage(self, connection: Connection) -> None:
        # What an answer confirmed counts as long as a younger one has not spoken for
        # the same card: only a reading of everything makes the older ones needless.
        assert self.first is not None
        await connection.execute(
            "DELETE FROM coverage WHERE tenant_id = %s AND connection_id = %s"
            " AND capture < %s AND asked_time < now() - %s",
            [self.row.tenant_id, self.row.id, self.first.number, COVERAGE_KEPT],
        )

    async def _let_rise(self) -> None:
        async with self.database.transaction(self.row.tenant_id) as connection:
            cursor = await connection.execute(
                "UPDATE connection SET state = 'active'"
                " WHERE tenant_id = %s AND id = %s AND state = 'starting'",
                [self.row.tenant_id, self.row.id],
            )
            if cursor.rowcount:
                await ask(connection, self.row.tenant_id, self.row.id, "active again")

    def _said(self) -> str:
        return f"{self.kind} reading ({self.cause})"


def jittered(seconds: int, seed: UUID) -> float:
    """The interval, spread by up to a tenth, so that connections don't march in step."""
    return seconds * (0.95 + (seed.int % 1000) / 10_000)
