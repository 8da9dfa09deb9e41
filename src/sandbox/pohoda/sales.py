"""Received orders: made by an import, then handled by people in POHODA."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from sandbox.pohoda import goods
from sandbox.pohoda.model import Company, RefusedError, UnknownError
from sandbox.pohoda.records import (
    ZERO,
    Agenda,
    Import,
    Line,
    LinkedDocument,
    Order,
    OrderHeader,
    Series,
)
from sandbox.pohoda.records import Sequence as Numbers


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an order still asks of one card."""

    ordered: Decimal = ZERO
    reserved: Decimal = ZERO

    def plus(self, ordered: Decimal, reserved: Decimal) -> "_Claim":
        return _Claim(self.ordered + ordered, self.reserved + reserved)


def place(
    company: Company,
    header: OrderHeader,
    lines: Sequence[Line],
    *,
    is_reserved: bool,
    number: str,
    series_id: int,
    ids: tuple[str, str],
) -> Order:
    """Create an order whose references are resolved; the ids of its lines are given here.

    `ids` are the pack and item that brought it, remembered against their repetition.
    """
    order_id = company.next_id(Numbers.ORDER)
    order = Order(
        id=order_id,
        number=number,
        series_id=series_id,
        header=header,
        lines=tuple(replace(line, id=company.next_id(Numbers.LINE)) for line in lines),
        changed_at=company.now(),
        is_reserved=is_reserved,
    )
    today = company.clock().date()
    import_id = company.next_id(Numbers.IMPORT)
    company.imports.put(Import(import_id, *ids, on=today, order_id=order_id, number=number))
    return _put(company, None, order)


def next_number(company: Company, series: Series) -> tuple[str, Series]:
    """Draw the next free number of the series."""
    while True:
        series = company.series.put(replace(series, last=series.last + 1))
        number = f"{series.prefix}{series.last:03}"
        if not company.orders.find("number", number):
            return number, series


def deliver(
    company: Company,
    order_id: int,
    quantities: Mapping[int, Decimal] | None = None,
    agenda: Agenda = Agenda.ISSUE_SLIP,
) -> Order:
    """Deliver more of the order: quantities by line id, or all that remains.

    Makes one document with a movement per line of goods. An order delivered whole is executed.
    """
    order = _open_order(company, order_id)
    if quantities is None:
        quantities = {line.id: line.remaining for line in order.lines if line.remaining}
    _check_delivery(company, order, quantities)
    document_id = company.next_id(Numbers.DOCUMENT)
    number = goods.document_number(company, agenda)
    for line, card_id in _goods_lines(company, order, quantities):
        quantity = quantities[line.id]
        goods.move(company, card_id, -quantity, order.number, agenda=agenda, number=number)
    delivered = replace(
        order,
        lines=tuple(
            replace(line, delivered=line.delivered + quantities.get(line.id, ZERO))
            for line in order.lines
        ),
        documents=(*order.documents, LinkedDocument(document_id, agenda.value, number)),
    )
    return _put(company, order, replace(delivered, is_executed=delivered.is_delivered))


def _check_delivery(company: Company, order: Order, quantities: Mapping[int, Decimal]) -> None:
    """Refuse before anything moves."""
    lines = {line.id: line for line in order.lines}
    if not quantities:
        raise RefusedError(f"Order {order.number} has nothing left to deliver.")
    for line_id, quantity in quantities.items():
        if line_id not in lines:
            raise UnknownError(f"Order {order.number} has no line {line_id}.")
        if not ZERO < quantity <= lines[line_id].remaining:
            remaining = lines[line_id].remaining
            raise RefusedError(f"Line {line_id}: deliver more than 0 and at most {remaining}.")
    needed: dict[int, Decimal] = defaultdict(Decimal)
    for line, card_id in _goods_lines(company, order, quantities):
        needed[card_id] += quantities[line.id]
    for card_id, quantity in needed.items():
        card = company.cards[card_id]
        store = company.stores[card.store_id]
        if card.count < quantity and not store.allow_negative:
            raise RefusedError(f"Card {card.code} in {store.name} has {card.count} only.")


def _goods_lines(
    company: Company, order: Order, quantities: Mapping[int, Decimal]
) -> Iterator[tuple[Line, int]]:
    """Yield the lines to deliver that move stock, each with its card's id."""
    for line in order.lines:
        card = company.cards.get(line.card_id)
        if line.id in quantities and card and card.kind.has_quantity:
            yield line, card.id


def execute(company: Company, order_id: int) -> Order:
    """Mark the order as executed without delivering what remains."""
    order = _open_order(company, order_id)
    return _put(company, order, replace(order, is_executed=True))


def cancel(company: Company, order_id: int) -> Order:
    """Cancel (storno) the order; refused once something was made of it."""
    order = _open_order(company, order_id)
    if order.is_touched:
        raise RefusedError(f"Order {order.number} is partly delivered and cannot be cancelled.")
    return _put(company, order, replace(order, cancelled_on=company.clock().date()))


def set_reserved(company: Company, order_id: int, *, reserved: bool) -> Order:
    """Reserve the goods of the order, or release them."""
    order = _open_order(company, order_id)
    return _put(company, order, replace(order, is_reserved=reserved))


def delete(company: Company, order_id: int, *, force: bool = False) -> None:
    """Delete the order, reversing what it asks of its cards.

    Refused once it is executed or something was made of it; `force` stands for a person who
    removed those documents' links first.
    """
    order = _order(company, order_id)
    if order.is_touched and not force:
        raise RefusedError("Objednávku nelze smazat, je na ni navázán jiný doklad.")
    if order.is_executed and not force:
        raise RefusedError("Objednávku nelze smazat, je již vyřízena.")
    _settle(company, order, None)
    company.orders.drop(order.id)


def _order(company: Company, order_id: int) -> Order:
    order = company.orders.get(order_id)
    if order is None:
        raise UnknownError(f"There is no order {order_id}.")
    return order


def _open_order(company: Company, order_id: int) -> Order:
    order = _order(company, order_id)
    if not order.is_open:
        state = "executed" if order.is_executed else "cancelled"
        raise RefusedError(f"Order {order.number} is {state}.")
    return order


def _put(company: Company, before: Order | None, after: Order) -> Order:
    """Store the order's new state and move its cards' counters by the difference."""
    _settle(company, before, after)
    return company.orders.put(replace(after, changed_at=company.now()))


def _settle(company: Company, before: Order | None, after: Order | None) -> None:
    was, becomes = _claims(company, before), _claims(company, after)
    for card_id in sorted(was.keys() | becomes.keys()):
        old, new = was.get(card_id, _Claim()), becomes.get(card_id, _Claim())
        if old == new:
            continue
        card = company.cards[card_id]
        changed = replace(
            card,
            count_received_orders=card.count_received_orders + new.ordered - old.ordered,
            reservation=card.reservation + new.reserved - old.reserved,
        )
        goods.touch(company, changed)


def _claims(company: Company, order: Order | None) -> dict[int, _Claim]:
    """What the order asks of each card with a quantity."""
    claims: dict[int, _Claim] = defaultdict(_Claim)
    if order is None or not order.is_open:
        return claims
    for line in order.lines:
        card = company.cards.get(line.card_id)
        if card and card.kind.has_quantity:
            reserved = line.remaining if order.is_reserved else ZERO
            claims[card.id] = claims[card.id].plus(line.remaining, reserved)
    return claims
