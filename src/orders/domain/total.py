"""What an order comes to."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

from orders.domain.content import Line
from spojka.values import ZERO

CENT: Final = Decimal("0.01")
# Room for 500 products of numbers of 21 digits, times a rate of 21 digits.
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_UP)


def total_of(lines: Iterable[Line], *, prices_include_vat: bool) -> Decimal:
    """What the lines come to, VAT included.

    Every line is reckoned exactly and the sum is rounded once, half up, to two
    places, in every currency: shops that round each line or the VAT on its own
    send their total, and theirs counts.
    """
    total = ZERO
    for line in lines:
        price = _EXACT.multiply(line.quantity, line.unit_price)
        if line.vat_rate and not prices_include_vat:
            price = _EXACT.multiply(price, 1 + line.vat_rate / 100)
        total = _EXACT.add(total, price)
    return total.quantize(CENT, context=_EXACT)
