"""Which warehouse an order line is to come from (DESIGN §4)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal


def assign(quantity: Decimal, free: Mapping[str, Decimal], preference: Sequence[str]) -> str | None:
    """The first warehouse of `preference` that covers the quantity, else the fullest.

    `free` is what each warehouse has beyond its holds; warehouses that do not
    carry the item are left out. None where no warehouse of the preference
    carries it.
    """
    carrying = [code for code in preference if code in free]
    for code in carrying:
        if free[code] >= quantity:
            return code
    return max(carrying, key=lambda code: free[code], default=None)
