"""In what two orders differ, by the paths of the order's message."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Final

from orders.domain.content import Content, References, Wish

DIFFERENCES_NAMED_MAX: Final = 20


def differences(known: Wish, told: Wish) -> list[str]:
    """All paths at which what is told differs from what is known; empty where they agree.

    A time or a reference that `told` leaves out is no difference: it can have
    come in another way. Decimals are compared by value: 1.50 is 1.5.
    """
    return [
        *content_differences(known.content, told.content),
        *time_difference(known.order_time, told.order_time),
        *_reference_differences(known.references, told.references),
    ]


def content_differences(known: Content, told: Content) -> list[str]:
    """The paths at which two contents differ."""
    return list(_walk(known, told, ""))


def time_difference(known: datetime | None, told: datetime | None) -> list[str]:
    """The path of the order's time, where one is told and it is another."""
    return [] if told is None or told == known else ["order_time"]


def in_words(paths: Sequence[str]) -> str:
    """Paths for people, cut where they are many."""
    shown = ", ".join(paths[:DIFFERENCES_NAMED_MAX])
    more = len(paths) - DIFFERENCES_NAMED_MAX
    return f"{shown} and {more} more" if more > 0 else shown


def _reference_differences(known: References, told: References) -> Iterator[str]:
    for name, value in told.named().items():
        if value != getattr(known, name):
            yield f"references.{name}"


def _walk(known: object, told: object, path: str) -> Iterator[str]:
    if known == told:
        return
    if isinstance(known, tuple) and isinstance(told, tuple) and len(known) == len(told):
        for place, (one, other) in enumerate(zip(known, told, strict=True)):
            yield from _walk(one, other, f"{path}[{place}]")
    elif is_dataclass(known) and type(known) is type(told):
        for field in fields(known):
            deeper = f"{path}.{field.name}" if path else field.name
            yield from _walk(getattr(known, field.name), getattr(told, field.name), deeper)
    else:
        yield path
