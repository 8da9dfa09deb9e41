"""Enum values of the contracts as people type and read them: IMPORT_STATE_ACKED ↔ acked."""

import re
from typing import Any

import typer


def _prefix(enum: Any) -> str:
    # By the rules of buf lint every value begins with the enum's own name.
    return re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"


def short_name(enum: Any, number: int) -> str:
    """The value's name as people read it; empty for the unspecified one."""
    if number == 0:
        return ""
    value = enum.values_by_number.get(number)
    return value.name.removeprefix(_prefix(enum)).lower() if value else str(number)


def number_of(enum: Any, text: str | None) -> int:
    """The value of a name as people type it; 0 for none. Raises typer.BadParameter."""
    if not text:
        return 0
    value = enum.values_by_name.get(_prefix(enum) + text.upper().replace("-", "_"))
    if value is None:
        known = ", ".join(short_name(enum, each.number) for each in enum.values if each.number)
        raise typer.BadParameter(f"{text!r} is none of: {known}")
    return int(value.number)
