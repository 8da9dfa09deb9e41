"""The order book in PostgreSQL."""
