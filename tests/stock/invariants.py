"""The invariants of stock, held against what the model warehouse was seen to be (DESIGN §4).

No unit is available that a recorded hold covers. Written out, for one item:

    available <= max(0, agg over warehouses w of (erp_w - still_w) - still_nowhere - buffer)

where erp_w is the system's own number under its meaning at the newest request
m whose answer spoke for the item's card in w, and still is, summed over the
orders whose holds stand there,

    max(0, wanted - max(netted in truth at m, netted as far as was known))

`wanted` is what the order wants now. A unit is "netted" when the system's
number leaves it out already: delivered, or, as the meaning says, reserved or
ordered. So a unit that an order still wants is offered to nobody unless the
number that the offer rests on leaves it out in truth.

What strangers do to the goods needs no exception: an offer rests on what the
warehouse had at m, and cannot rest on more. What people do to our documents
does: a person can take a reservation away just before m and give it back just
after it, and no reading of documents shows that. "As far as was known" is
therefore the least that any document read-back showed, from the last one
before m to the newest of all, and it covers nothing that one of them denied.

`sum` and `max` differ only in agg: a hold lowers its own warehouse, so under
`max` another warehouse's goods may still be offered.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from spojka.database import Connection
from stock.warehouses.port import Document, DocumentLine, Meaning
from tests.stock.conftest import Merchant
from tests.stock.observed import Truth

ZERO = Decimal(0)
NOWHERE = ""

_LEVELS = """
    SELECT level.card_id, level.item_id, level.warehouse, level.on_hand, level.reserved,
           level.ordered, level.available,
           greatest(level.capture, (SELECT max(capture) FROM coverage
                                    WHERE coverage.tenant_id = level.tenant_id
                                      AND level.card_id = ANY(coverage.cards)))
    FROM level WHERE level.tenant_id = %s
"""
_HOLDS = """
    SELECT order_id, item_id, warehouse, created, wanted, absorbed FROM hold WHERE tenant_id = %s
"""


@dataclass(frozen=True, slots=True)
class Level:
    """A level as it is stored, and the newest request that spoke for its card."""

    card_id: str
    item_id: UUID
    warehouse: str
    on_hand: Decimal
    reserved: Decimal
    ordered: Decimal
    available: Decimal
    confirmed: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order wants of one item in one warehouse, over all its lines."""

    order_id: UUID
    item_id: UUID
    warehouse: str
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Picture:
    """All that is stored of one tenant's stock."""

    numbers: Mapping[UUID, str]
    available: Mapping[UUID, Decimal]
    levels: list[Level]
    wanted: list[Wanted]
    read_backs: Mapping[UUID, list[int]]


async def take_picture(merchant: Merchant) -> Picture:
    """Read what is stored, in one transaction; holds must add up at every moment."""
    async with merchant.database.transaction(merchant.tenant) as connection:
        items = await _rows(
            connection,
            "SELECT id, product_number, available FROM item WHERE tenant_id = %s",
            merchant.tenant,
        )
        levels = [Level(*row) for row in await _rows(connection, _LEVELS, merchant.tenant)]
        wanted: dict[tuple[UUID, UUID, str], Decimal] = defaultdict(Decimal)
        for order, item, warehouse, created, want, absorbed in await _rows(
            connection, _HOLDS, merchant.tenant
        ):
            live, released = want - absorbed, created - want
            assert min(live, absorbed, released) >= 0
            assert created == live + absorbed + released
            wanted[order, item, warehouse or NOWHERE] += want
        read_backs: dict[UUID, list[int]] = defaultdict(list)
        for order, number in await _rows(
            connection,
            "SELECT order_id, number FROM read_back JOIN order_import USING (tenant_id, order_id)"
            " WHERE tenant_id = %s AND number > barrier ORDER BY number",
            merchant.tenant,
        ):
            read_backs[order].append(number)
    return Picture(
        {item: number for item, number, _available in items},
        {item: available for item, _number, available in items},
        levels,
        [Wanted(*key, quantity) for key, quantity in wanted.items()],
        read_backs,
    )


def check_levels(picture: Picture, truths: Mapping[int, Truth]) -> None:
    """Each level is what the newest request that spoke for its card was told, and no older one."""
    for level in picture.levels:
        card = truths[level.confirmed].cards[level.card_id]
        assert (level.on_hand, level.reserved, level.ordered) == (
            card.on_hand,
            card.reserved,
            card.ordered,
        ), f"card {level.card_id} is not as request {level.confirmed} showed it"


def check_available(
    picture: Picture,
    truths: Mapping[int, Truth],
    meaning: Meaning,
    aggregation: str,
    buffer: Decimal,
) -> None:
    """No unit is available that a recorded hold covers: the formula above, for every item."""
    for item_id, available in picture.available.items():
        most = most_available(picture, truths, item_id, meaning, aggregation) - buffer
        assert available <= max(ZERO, most), (
            f"{picture.numbers[item_id]}: {available} is offered, at most {most} is free"
        )


def most_available(
    picture: Picture,
    truths: Mapping[int, Truth],
    item_id: UUID,
    meaning: Meaning,
    aggregation: str,
) -> Decimal:
    """The bound of the module's formula for one item, without the buffer."""
    free = {
        level.warehouse: level.available for level in picture.levels if level.item_id == item_id
    }
    confirmed = {
        level.warehouse: level.confirmed for level in picture.levels if level.item_id == item_id
    }
    nowhere = ZERO
    for wanted in picture.wanted:
        if wanted.item_id != item_id:
            continue
        if wanted.warehouse not in free:
            nowhere += wanted.quantity
            continue
        at = confirmed[wanted.warehouse]
        number = picture.numbers[item_id]
        in_truth = netted_by(truths[at], wanted, number, meaning)
        known = _known(picture, truths, wanted, number, meaning, at)
        free[wanted.warehouse] -= max(ZERO, wanted.quantity - max(in_truth, known))
    values = list(free.values()) or [ZERO]
    return (sum(values, ZERO) if aggregation == "sum" else max(values)) - nowhere


def netted_by(truth: Truth, wanted: Wanted, number: str, meaning: Meaning) -> Decimal:
    """How much of what the order wants the system's number left out at that moment."""
    return sum(
        (
            netted_line(document, line, meaning)
            for document in truth.documents.values()
            if (document.external_id or "").startswith(str(wanted.order_id))
            for line in document.lines
            if (line.product_number, line.warehouse) == (number, wanted.warehouse)
        ),
        ZERO,
    )


def netted_line(document: Document, line: DocumentLine, meaning: Meaning) -> Decimal:
    """What one line takes off the system's number. A settled document has taken all it wants."""
    if document.executed:
        return line.quantity
    if document.cancelled:
        return line.delivered
    if meaning is Meaning.NET_OF_ORDERS:
        return line.quantity
    if meaning is Meaning.NET_OF_RESERVATIONS and document.reserved:
        return line.quantity
    return line.delivered


def _known(
    picture: Picture,
    truths: Mapping[int, Truth],
    wanted: Wanted,
    number: str,
    meaning: Meaning,
    at: int,
) -> Decimal:
    numbers = picture.read_backs.get(wanted.order_id, [])
    before = [read for read in numbers if read < at]
    if not before:
        return ZERO
    deciding = [read for read in numbers if read >= before[-1]]
    return min(netted_by(truths[read], wanted, number, meaning) for read in deciding)


async def _rows(connection: Connection, query: str, tenant: UUID) -> list[tuple]:  # type: ignore[type-arg]
    cursor = await connection.execute(query.encode(), [tenant])
    return await cursor.fetchall()
