"""Levels and items in PostgreSQL: readings applied, items decided and published."""
