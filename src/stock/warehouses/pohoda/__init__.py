"""Pohoda mServer (Stormware): the connector behind the port of warehouse systems."""

from stock.warehouses.pohoda.inspect import inspect_requests, inspect_stock
from stock.warehouses.pohoda.system import POHODA

__all__ = ["POHODA", "inspect_requests", "inspect_stock"]
