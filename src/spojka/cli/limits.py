"""Finds every limit that the program has: its constants, read from the source, not run."""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from spojka.service import ENTRY_POINTS

_NAME: Final = re.compile(
    r"(^|_)(MAX|MIN|LIMIT|BURST|ATTEMPTS|LANES)(_|$)|_(SECONDS|MS|BYTES|HOURS|DAYS|ROWS)(_|$)|_PER_"
)
_NOT_LIMITS: Final = re.compile(r"^_|(^|_)(DAY|HOUR|MINUTE)_MS$|_OPTIONS$")
_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that bounds something, with its unit in its name."""

    module: str
    name: str
    value: float
    meaning: str


def limits() -> list[Limit]:
    """Every limit of the ground and of the registered services, by module and name."""
    packages = ["spojka", *sorted(entry_points(group=ENTRY_POINTS).names)]
    return sorted(
        (limit for package in packages for limit in _of_package(package)),
        key=lambda limit: (limit.module, limit.name),
    )


def _of_package(package: str) -> Iterator[Limit]:
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or []:
        for file in Path(folder).rglob("*.py"):
            parts = file.relative_to(folder).with_suffix("").parts
            if package != "spojka" or parts[0] != "api":  # generated
                yield from limits_in(".".join((package, *parts)), file.read_text(encoding="utf-8"))


def limits_in(module: str, source: str) -> Iterator[Limit]:
    """The limits that a module's source states at its top level."""
    body = ast.parse(source).body
    for place, node in enumerate(body):
        match node:
            case (
                ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as expression)
                | ast.Assign(targets=[ast.Name(id=name)], value=expression)
            ) if _NAME.search(name) and not _NOT_LIMITS.search(name):
                value = _number(expression)
                if value is not None:
                    yield Limit(module, name, value, _docstring_at(body, place + 1))


def _number(node: ast.expr) -> float | None:
    match node:
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _number(left), _number(right)
            calculate = _OPERATORS.get(type(op))
            if one is None or other is None or calculate is None:
                return None
            return calculate(one, other)
    return None


def _docstring_at(body: list[ast.stmt], place: int) -> str:
    match body[place : place + 1]:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return " ".join(text.split())
    return ""
