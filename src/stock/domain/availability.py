"""How much there is of an item (DESIGN §4).

available = agg over the warehouses of (what the warehouse system says − holds
assigned there) − holds assigned nowhere − buffer, clamped at zero once, at the
very end. `max` with holds in other warehouses is right only because every hold
knows its warehouse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from spojka.values import ZERO, format_decimal


class Aggregation(StrEnum):
    """How several warehouses count."""

    SUM = "sum"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class WarehouseStock:
    """One warehouse's part: the system's number under its meaning, and the live holds."""

    erp_available: Decimal
    held: Decimal = ZERO

    @property
    def free(self) -> Decimal:
        """What is left; negative where more is held than there is."""
        return self.erp_available - self.held


@dataclass(frozen=True, slots=True)
class ItemStock:
    """What is known of one item. Warehouses by code; holds without a warehouse apart."""

    warehouses: Mapping[str, WarehouseStock]
    held_unassigned: Decimal = ZERO

    def balance(self, aggregation: Aggregation, buffer: Decimal) -> Decimal:
        """The signed figure before the clamp: below zero is a shortage."""
        free = [stock.free for stock in self.warehouses.values()]
        if not free:
            total = ZERO
        elif aggregation is Aggregation.SUM:
            total = sum(free, ZERO)
        else:
            total = max(free)
        return total - self.held_unassigned - buffer

    def available(self, aggregation: Aggregation, buffer: Decimal) -> Decimal:
        """What may be sold; never below zero."""
        return max(ZERO, self.balance(aggregation, buffer))

    def held(self) -> Decimal:
        """All live holds."""
        return sum((stock.held for stock in self.warehouses.values()), self.held_unassigned)

    def shortage(self, aggregation: Aggregation) -> Decimal:
        """How many held units nothing covers; zero when all are covered. Buffers don't count."""
        return max(ZERO, min(self.held(), -self.balance(aggregation, ZERO)))

    def explain(self, aggregation: Aggregation, buffer: Decimal) -> str:
        """The rule with its figures, for people."""
        parts = [
            f"{code}: {format_decimal(stock.erp_available)}"
            + (f" − {format_decimal(stock.held)} held" if stock.held else "")
            for code, stock in sorted(self.warehouses.items())
        ]
        text = f"{aggregation.value}({', '.join(parts)})"
        if self.held_unassigned:
            text += f" − {format_decimal(self.held_unassigned)} held in no warehouse"
        if buffer:
            text += f" − buffer {format_decimal(buffer)}"
        balance = self.balance(aggregation, buffer)
        text += f" = {format_decimal(balance)}"
        return text if balance >= ZERO else f"{text}, so 0"
