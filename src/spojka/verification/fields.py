"""Where two messages of one type differ, field by field."""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import Message

SHOWN_MAX_CHARACTERS: Final = 300


def differing_fields(stored: Message, rebuilt: Message) -> Iterator[tuple[str, str, str]]:
    """The name of each field that differs, with both values as text."""
    for field in stored.DESCRIPTOR.fields:
        one, other = getattr(stored, field.name), getattr(rebuilt, field.name)
        if one != other:
            yield field.name, shown(one), shown(other)


def shown(value: Any) -> str:
    """A value as one line of text, cut where it is long."""
    text = " ".join((value.hex() if isinstance(value, bytes) else str(value)).split())
    return text if len(text) <= SHOWN_MAX_CHARACTERS else f"{text[:SHOWN_MAX_CHARACTERS]}…"
