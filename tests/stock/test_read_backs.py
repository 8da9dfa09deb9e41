"""What is kept of the documents that are read back: enough to decide as if all were kept."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import permutations, product
from uuid import UUID

import pytest

from spojka.database import Connection
from stock.domain.holds import NettedAt, absorbed_part
from stock.domain.netting import ReadBack
from stock.imports.store import KEPT_READ_BACKS, load_read_backs, update_import, write_read_backs
from stock.warehouses.port import Document, DocumentLine
from tests.stock.conftest import MakeMerchant, Merchant

NETTED = {"a": Decimal(2), "b": Decimal(0), "c": Decimal(1)}
"""What a document of each kind nets of the order's line."""


async def placed(make_merchant: MakeMerchant) -> tuple[Merchant, UUID]:
    merchant = await make_merchant()
    order = await merchant.order(("A", "2"))
    return merchant, UUID(order.id)


async def write(
    connection: Connection, merchant: Merchant, order: UUID, read_backs: Iterable[tuple[int, str]]
) -> list[int]:
    """Keep what was shown, in this order; the numbers of what is left of it."""
    for number, kind in read_backs:
        line = DocumentLine("A", "MAIN", Decimal(2), NETTED[kind])
        document = Document(
            document_id="1",
            number="1",
            external_id=None,
            reserved=False,
            executed=False,
            cancelled=False,
            linked=False,
            lines=(line,),
        )
        await write_read_backs(connection, merchant.tenant, {order: ReadBack(number, document)})
    kept = await load_read_backs(connection, merchant.tenant, [order])
    return [each.number for each in kept[order]]


def decisions(shown: Mapping[int, str]) -> list[Decimal]:
    """What is netted by what was shown, whichever request confirmed the level."""
    read_backs = [NettedAt(number, NETTED[kind]) for number, kind in shown.items()]
    return [absorbed_part(read_backs, confirmed, 0) for confirmed in range(max(shown) + 2)]


@pytest.mark.parametrize(
    ("shown", "kept"),
    [
        ("a", [1]),
        ("aa", [1, 2]),
        ("aaaaa", [1, 5]),
        ("abbba", [1, 2, 4, 5]),
        ("abab", [1, 2, 3, 4]),
        ("ab" * KEPT_READ_BACKS, list(range(KEPT_READ_BACKS + 1, 2 * KEPT_READ_BACKS + 1))),
    ],
)
async def test_of_what_shows_the_same_the_first_and_the_last_are_kept(
    make_merchant: MakeMerchant, shown: str, kept: list[int]
) -> None:
    merchant, order = await placed(make_merchant)
    async with merchant.database.transaction(merchant.tenant) as connection:
        assert await write(connection, merchant, order, enumerate(shown, 1)) == kept


async def test_what_is_kept_decides_as_all_would(make_merchant: MakeMerchant) -> None:
    merchant, _ = await placed(make_merchant)
    for kinds in product(NETTED, repeat=4):
        shown = dict(enumerate(kinds, 1))
        order = UUID((await merchant.order(("A", "2"))).id)
        async with merchant.database.transaction(merchant.tenant) as connection:
            kept = await write(connection, merchant, order, shown.items())
        assert decisions({number: shown[number] for number in kept}) == decisions(shown), kinds


async def test_what_comes_late_never_makes_more_count_as_netted(
    make_merchant: MakeMerchant,
) -> None:
    merchant, _ = await placed(make_merchant)
    for kinds in ("aaab", "aaba", "abaa", "baaa", "abba", "caca"):
        shown = dict(enumerate(kinds, 1))
        for arrival in permutations(shown.items()):
            order = UUID((await merchant.order(("A", "2"))).id)
            async with merchant.database.transaction(merchant.tenant) as connection:
                kept = await write(connection, merchant, order, arrival)
            decided = decisions({number: shown[number] for number in kept})
            everything = decisions(shown)
            assert len(decided) == len(everything), "the newest is kept"
            assert all(map(Decimal.__le__, decided, everything)), (kinds, arrival)


async def test_what_was_shown_before_our_last_write_is_forgotten(
    make_merchant: MakeMerchant,
) -> None:
    merchant, order = await placed(make_merchant)
    async with merchant.database.transaction(merchant.tenant) as connection:
        assert await write(connection, merchant, order, [(1, "a"), (3, "a")]) == [1, 3]
        await update_import(connection, merchant.tenant, order, barrier=3)
        # What follows it shows the same, and yet is the first of what counts.
        assert await write(connection, merchant, order, [(5, "a"), (6, "a")]) == [5, 6]
