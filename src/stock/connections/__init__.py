"""Warehouse connections: their rows, their RPCs."""
