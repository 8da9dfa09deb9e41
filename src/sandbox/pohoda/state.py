"""Keeping the company over a restart: what changed is saved in one SQLite transaction."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from pydantic import TypeAdapter

from sandbox.pohoda.table import Table


class State(Protocol):
    """Where the tables are kept."""

    def load(self, tables: Iterable[Table[Any]]) -> None:
        """Fill the empty tables with what was saved."""

    def save(self, tables: Iterable[Table[Any]]) -> None:
        """Save what changed, all of it or nothing; it is safe when this returns."""

    def close(self) -> None:
        """Release the file."""


class InMemory:
    """Keeps nothing: the company ends with its process."""

    def load(self, tables: Iterable[Table[Any]]) -> None:
        """Load nothing."""

    def save(self, tables: Iterable[Table[Any]]) -> None:
        """Forget what changed, so that the notes do not pile up."""
        for table in tables:
            table.take_changes()

    def close(self) -> None:
        """Nothing to release."""


class SqliteState:
    """Keeps each record as JSON by table and id."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; sqlite3.Error where that fails."""
        # One worker thread uses it, but not the thread that opened it.
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS record ("
            " kind TEXT, id INTEGER, body BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID"
        )

    def load(self, tables: Iterable[Table[Any]]) -> None:
        """Fill the empty tables with what was saved."""
        for table in tables:
            reader = TypeAdapter(table.kind)
            saved = self._database.execute(
                "SELECT body FROM record WHERE kind = ? ORDER BY id", (table.name,)
            )
            for (body,) in saved:
                table.put(reader.validate_json(body))
            table.take_changes()

    def save(self, tables: Iterable[Table[Any]]) -> None:
        """Save what changed in one transaction."""
        changes = [(table, table.take_changes()) for table in tables]
        if not any(rows for _, rows in changes):
            return
        self._database.execute("BEGIN IMMEDIATE")
        for table, rows in changes:
            writer = TypeAdapter(table.kind)
            kept = [(table.name, key, writer.dump_json(row)) for key, row in rows if row]
            gone = [(table.name, key) for key, row in rows if row is None]
            self._database.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", kept)
            self._database.executemany("DELETE FROM record WHERE kind = ? AND id = ?", gone)
        self._database.execute("COMMIT")

    def close(self) -> None:
        """Release the file."""
        self._database.close()
