"""What must hold of an order beyond the rules of its single fields."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from orders.domain.content import Content, Line, LineKind, Wish
from orders.domain.currencies import CURRENCIES
from spojka.errors import Violation
from spojka.values import format_decimal

VAT_RATE_MAX: Final = Decimal(100)
TOTAL_BOUND: Final = Decimal(10) ** 15
"""Totals stay below it: the contracts carry 15 digits before the point."""
QUANTITY_MAX: Final = Decimal(10) ** 9
"""Of a line: what all orders want of an item stays within 15 digits, too."""
ORDER_TIME_MIN: Final = datetime(1990, 1, 1, tzinfo=UTC)
ORDER_TIME_AHEAD_MAX: Final = timedelta(days=366)
"""No shop's clock is so wrong: such a time is a placeholder for one that is not known."""


def violations(wish: Wish, now: datetime) -> list[Violation]:
    """Everything that is wrong with a wish, by paths in the order's message."""
    return [*_time_violations(wish.order_time, now), *_content_violations(wish.content)]


def _time_violations(order_time: datetime | None, now: datetime) -> Iterator[Violation]:
    if order_time is None:
        return
    if order_time < ORDER_TIME_MIN:
        problem = f"is before {ORDER_TIME_MIN.year}"
    elif order_time - now > ORDER_TIME_AHEAD_MAX:
        problem = "is more than a year ahead"
    else:
        return
    yield Violation("order_time", f"{problem}; leave it out where it is not known")


def _content_violations(content: Content) -> list[Violation]:
    found = list(_line_id_violations(content))
    for place, line in enumerate(content.lines):
        found += _line_violations(line, f"lines[{place}]")
    if content.currency not in CURRENCIES:
        found.append(Violation("currency", f"{content.currency} is no currency of ISO 4217"))
    if content.total < 0:
        sum_of_lines = format_decimal(content.total)
        found.append(Violation("total", f"the lines add up to {sum_of_lines}, below zero"))
    if content.total >= TOTAL_BOUND:
        found.append(Violation("total", "has more than 15 digits before the point"))
    return found


def _line_id_violations(content: Content) -> Iterator[Violation]:
    first_place: dict[str, int] = {}
    for place, line in enumerate(content.lines):
        earlier = first_place.setdefault(line.id, place)
        if earlier != place:
            yield Violation(
                f"lines[{place}].id",
                f"{line.id!r} is the id of lines[{earlier}], too; give each line its own "
                "(a line without one takes its place, counted from 1)",
            )


def _line_violations(line: Line, path: str) -> Iterator[Violation]:
    if line.kind is LineKind.GOODS:
        if not (line.listing_id or line.product_number or line.ean):
            yield Violation(path, "goods name a listing_id, a product_number or an ean")
    else:
        for name in ("listing_id", "product_number", "ean"):
            if getattr(line, name):
                yield Violation(f"{path}.{name}", "only a line of kind GOODS names an item")
    if line.quantity > QUANTITY_MAX:
        yield Violation(f"{path}.quantity", f"is above {QUANTITY_MAX}; split the line")
    if line.unit_price < 0 and line.kind is not LineKind.DISCOUNT:
        yield Violation(f"{path}.unit_price", "is negative; only a line of kind DISCOUNT may be")
    if line.vat_rate is not None and line.vat_rate > VAT_RATE_MAX:
        yield Violation(f"{path}.vat_rate", "is above 100 percent")
