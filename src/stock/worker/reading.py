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
from stock.levels.apply import Answer, Span, apply_answer, missing_cards, remove_cards
from stock.levels.relevel import ask
from stock.warehouses.port import Card, CardPage, UnreadableCard, WarehouseClient
from stock.worker.numbering import Numbered, draw

READING_HELD: Final = "stock.reading_held"
CARDS_UNREADABLE: Final = "stock.cards_unreadable"
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
    zeroing: list[_Zeroing] = field(default_factory=list)

    async def begin(self) -> None:
        """Record that the reading has begun. A full one of a starting connection lets it rise."""
        self.lets_rise = self.kind == "full" and self.row.state == "starting"
        async with self.database.transaction(self.row.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO reading (tenant_id, id, connection_id, kind, state, cause)"
                " VALUES (%s, %s, %s, %s, 'running', %s)",
                [self.row.tenant_id, self.id, self.row.id, self.kind, self.cause],
            )
            await connection.execute(
                "UPDATE connection SET requested_reading = NULL, requested_cause = ''"
                " WHERE tenant_id = %s AND id = %s",
                [self.row.tenant_id, self.row.id],
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

    async def finish(self) -> None:
        """Let the gate decide about what would fall to nothing, and end the reading."""
        assert self.first is not None
        async with self.database.transaction(self.row.tenant_id) as connection:
            span = Span(self.seen, self.warehouses, self.first.number)
            missing = (
                await missing_cards(connection, self.row.rule, span)
                if self.kind == "full" and not self.blind
                else []
            )
            gone = [card_id for card_id, _item in missing]
            stocked, missing_stocked = await self._stocked(connection, gone)
            zeroed = len(self.zeroing) + len(missing_stocked)
            await self._replace_held(connection)
            if Gate(self.row.mass_change_limit_percent).holds(zeroed, stocked):
                await self._hold(connection, gone, zeroed, stocked)
                await self._end(connection, "held", zeroed)
            else:
                await self._apply_zeroing(connection)
                if gone:
                    await remove_cards(connection, self.row.rule, span, self._said())
                await self._end(connection, "applied", zeroed)
            await self._forget_coverage(connection)
        self.after_commit()
        if self.lets_rise and self.row.state == "starting":
            await self._let_rise()

    async def fail(self, problem: str) -> None:
        """Record that the reading broke off; what its pages said stays applied."""
        async with self.database.transaction(self.row.tenant_id) as connection:
            await self._set_state(connection, "failed", 0, problem)

    async def _ask(self, client: WarehouseClient) -> CardPage:
        if self.kind == "full":
            return await client.read_full(self.position, self.warehouses)
        assert self.row.cursor is not None
        return await client.read_changes(self.row.cursor, self.position, self.warehouses)

    async def _apply(self, numbered: Numbered, page: CardPage) -> None:
        self.cards += len(page.cards)
        self.seen.update(card.card_id for card in page.cards)
        answer = Answer(numbered.number, numbered.asked_time, page.cards, self._said())
        async with self.database.transaction(self.row.tenant_id) as connection:
            applied = await apply_answer(connection, self.row.rule, answer, hold_zeroing=True)
            await self._keep_unreadable(connection, page.unreadable)
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

    async def _replace_held(self, connection: Connection) -> None:
        cursor = await connection.execute(
            "UPDATE reading SET state = 'replaced'"
            " WHERE tenant_id = %s AND connection_id = %s AND state = 'held' RETURNING id",
            [self.row.tenant_id, self.row.id],
        )
        replaced = [row[0] for row in await cursor.fetchall()]
        await connection.execute(
            "DELETE FROM held_level WHERE tenant_id = %s AND reading_id = ANY(%s)",
            [self.row.tenant_id, replaced],
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
                self.kind == "full" and not self.blind,
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
        if self.kind != "full" or self.blind:
            return
        assert self.first is not None
        await connection.execute(
            "DELETE FROM coverage WHERE tenant_id = %s AND connection_id = %s"
            " AND capture < %s AND asked_time < now() - %s",
            [self.row.tenant_id, self.row.id, self.first.number, COVERAGE_KEPT],
        )

    async def _keep_unreadable(
        self, connection: Connection, unreadable: Sequence[UnreadableCard]
    ) -> None:
        for entry in unreadable:
            if entry.card_id is None:
                self.blind = True
                continue
            self.seen.add(entry.card_id)
            await connection.execute(
                """
                INSERT INTO unreadable_card (tenant_id, connection_id, card_id, problem, fragment)
                VALUES (%s, %s, %s, %s, %s)
                ON CONFLICT (tenant_id, connection_id, card_id)
                DO UPDATE SET problem = excluded.problem, fragment = excluded.fragment, time = now()
                """,
                [
                    self.row.tenant_id,
                    self.row.id,
                    entry.card_id,
                    entry.problem,
                    entry.fragment,
                ],
            )
        if unreadable:
            await open_task(
                connection,
                self.row.tenant_id,
                Task(
                    CARDS_UNREADABLE,
                    f"connection/{self.row.id}",
                    f"Some cards of the warehouse system can't be read: {unreadable[0].problem}",
                    "Mend the cards named here; their last good levels stay until then.",
                    {
                        "cards": ", ".join(entry.card_id or "?" for entry in unreadable[:50]),
                        "fragment": unreadable[0].fragment,
                    },
                ),
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
