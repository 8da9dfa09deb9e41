"""The warehouse systems that can be connected. A new one is one line here."""

from typing import Final

from stock.warehouses.pohoda import POHODA
from stock.warehouses.port import WarehouseSystem

SYSTEMS: Final[dict[str, WarehouseSystem]] = {system.id: system for system in (POHODA,)}
