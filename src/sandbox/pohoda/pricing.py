"""What a line costs: POHODA computes all totals itself."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sandbox.pohoda.records import ForeignCurrency, Line

_HALER = Decimal("0.01")
_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Price:
    """The prices of a line in one currency; `unit` with VAT or without, as the line says."""

    unit: Decimal
    without_vat: Decimal
    vat: Decimal
    with_vat: Decimal


def price(line: Line, currency: ForeignCurrency | None) -> Price:
    """Compute the line's price in the home currency."""
    if currency is None:
        return _price(line, line.unit_price)
    return _price(line, _round(line.unit_price * currency.rate / currency.amount))


def foreign_price(line: Line) -> Price:
    """Compute the line's price in the currency of its order."""
    return _price(line, line.unit_price)


def _price(line: Line, unit: Decimal) -> Price:
    amount = unit * line.quantity * (1 - line.discount_percent / _PERCENT)
    rate = line.vat_rate.percent / _PERCENT
    if line.pays_vat:
        with_vat = _round(amount)
        without_vat = _round(with_vat / (1 + rate))
    else:
        without_vat = _round(amount)
        with_vat = _round(without_vat * (1 + rate))
    return Price(unit, without_vat, with_vat - without_vat, with_vat)


def _round(amount: Decimal) -> Decimal:
    return amount.quantize(_HALER, ROUND_HALF_UP)
