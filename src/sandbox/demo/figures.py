"""The numbers of one item at one moment: in the warehouse, in Spojka, in the shops."""

from dataclasses import dataclass, fields
from decimal import Decimal

from spojka.values import ZERO, format_decimal


@dataclass(frozen=True, slots=True)
class Figures:
    """What the warehouse's system says, what Spojka makes of it, and what each shop shows.

    `on_hand` and `reserved` are the warehouse's own word as Spojka knows it,
    over all stores; `held` is what Spojka keeps back in addition.
    """

    on_hand: Decimal
    reserved: Decimal
    held: Decimal
    available: Decimal
    eshop: int | None
    market: int | None

    @classmethod
    def at_rest(cls, on_hand: Decimal, *, reserved: Decimal = ZERO) -> "Figures":
        """The only right figures where every order stands in the warehouse."""
        available = on_hand - reserved
        return cls(on_hand, reserved, ZERO, available, int(available), int(available))

    def cells(self) -> list[str]:
        """The figures as texts, in order."""
        values = (getattr(self, field.name) for field in fields(self))
        return ["–" if value is None else format_decimal(Decimal(value)) for value in values]

    def __str__(self) -> str:
        names = (field.name.replace("_", " ") for field in fields(self))
        return ", ".join(f"{name} {cell}" for name, cell in zip(names, self.cells(), strict=True))
