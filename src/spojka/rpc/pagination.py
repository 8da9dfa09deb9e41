"""Pages of lists (AIP-158): bounded sizes and opaque tokens."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from spojka.errors import InvalidArgument, Violation

MAX_DIGITS: Final = 18
"""Of a number in a token: those of a 64-bit integer that is never negative."""


def page_size(wanted: int, *, default: int, maximum: int) -> int:
    """The size to use: the default for 0, never above the maximum."""
    return min(wanted or default, maximum)


def encode_token(key: Sequence[str]) -> str:
    """The token that goes on after the row with this key."""
    return base64.urlsafe_b64encode(json.dumps(list(key)).encode()).decode().rstrip("=")


def decode_token(token: str, parts: int) -> list[str] | None:
    """The key in a token; None for the first page. Raises InvalidArgument on a foreign token."""
    if not token:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        key = None
    if (
        not isinstance(key, list)
        or len(key) != parts
        or not all(isinstance(part, str) and _is_storable(part) for part in key)
    ):
        raise _foreign()
    return key


def _is_storable(text: str) -> bool:
    # JSON can write what PostgreSQL can't take: NUL, and halves of surrogate pairs.
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def decode_uuid_token(token: str) -> UUID | None:
    """The id in a token of a list ordered by ids; None for the first page."""
    key = decode_token(token, 1)
    try:
        return UUID(key[0]) if key else None
    except ValueError as error:
        raise _foreign() from error


def decode_number_token(token: str) -> int | None:
    """The number in a token of a list ordered by numbers; None for the first page."""
    key = decode_token(token, 1)
    if key is None:
        return None
    if not key[0].isascii() or not key[0].isdigit() or len(key[0]) > MAX_DIGITS:
        raise _foreign()
    return int(key[0])


def _foreign() -> InvalidArgument:
    return InvalidArgument([Violation("page_token", "is not a token that this method gave")])
