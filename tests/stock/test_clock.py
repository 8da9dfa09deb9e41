"""What is due on the goods side is due by one clock, PostgreSQL's: those of processes differ."""

import ast
from pathlib import Path

import stock

CLOCKS = {("datetime", "now"), ("datetime", "today"), ("time", "time"), ("time", "time_ns")}
MAY = {"documents.py"}
"""The day of a document whose order says none."""


def test_no_process_decides_by_its_own_clock() -> None:
    folder = Path(str(stock.__path__[0]))
    asking = {
        path.name
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in CLOCKS
    }
    assert asking == MAY
