"""What a document in the warehouse system takes off the system's own numbers (DESIGN §4).

A hold stops counting only for what the document, as it was read back, nets:
under `net_of_orders` any open order; under `net_of_reservations` a reserved
one (an unconfirmed reservation means `physical` for that order); under
`physical` the delivered part only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from spojka.values import ZERO, product_number_key
from stock.warehouses.port import Document, DocumentLine, Meaning


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A document as the request with this number showed it; None where it was gone."""

    number: int
    document: Document | None


@dataclass(frozen=True, slots=True)
class SentLine:
    """A line as it was sent, in the order it was sent: what it is for, and of what."""

    line_id: str
    product_number: str
    warehouse: str
    quantity: Decimal


def netted(document: Document, line: DocumentLine, meaning: Meaning) -> Decimal:
    """How much of a document's line the system's number already leaves out."""
    if document.cancelled:
        return line.delivered
    if meaning is Meaning.NET_OF_ORDERS:
        return line.quantity
    if meaning is Meaning.NET_OF_RESERVATIONS and document.reserved:
        return line.quantity
    return line.delivered


def netted_by_line(
    document: Document | None, sent: Sequence[SentLine], meaning: Meaning
) -> dict[str, Decimal]:
    """What the document nets of each line that was sent.

    A settled document nets all of it: whatever it was to take has been taken,
    by its own deliveries or by other documents.
    """
    if document is None:
        return {}
    if document.executed:
        return {line.line_id: line.quantity for line in sent}
    return _allotted(document, sent, [netted(document, line, meaning) for line in document.lines])


def delivered_by_line(document: Document | None, sent: Sequence[SentLine]) -> dict[str, Decimal]:
    """What the document shows as delivered of each line that was sent."""
    if document is None:
        return {}
    return _allotted(document, sent, [line.delivered for line in document.lines])


def _allotted(
    document: Document, sent: Sequence[SentLine], quantities: Sequence[Decimal]
) -> dict[str, Decimal]:
    # A person may have split, joined or sorted the lines in the warehouse
    # system: what counts is how much it has of each product in each warehouse.
    pools: dict[tuple[str, str], Decimal] = {}
    for line, quantity in zip(document.lines, quantities, strict=True):
        if line.product_number:
            key = _key(line.product_number, line.warehouse or "")
            pools[key] = pools.get(key, ZERO) + quantity
    result: dict[str, Decimal] = {}
    for wanted in sent:
        key = _key(wanted.product_number, wanted.warehouse)
        part = min(wanted.quantity, pools.get(key, ZERO))
        pools[key] = pools.get(key, ZERO) - part
        result[wanted.line_id] = result.get(wanted.line_id, ZERO) + part
    return result


def _key(product_number: str, warehouse: str) -> tuple[str, str]:
    return product_number_key(product_number), warehouse


def missing_lines(delivered: Mapping[str, Decimal], sent: Sequence[SentLine]) -> list[str]:
    """The lines of which not all has been delivered."""
    return [line.line_id for line in sent if delivered.get(line.line_id, ZERO) < line.quantity]
