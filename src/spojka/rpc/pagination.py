"""Pages of lists (AIP-158): bounded sizes and opaque tokens."""

import base64
import binascii
import json
from collections.abc import Sequence

from spojka.errors import InvalidArgument, Violation


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
    except (binascii.Error, ValueError):
        key = None
    if (
        not isinstance(key, list)
        or len(key) != parts
        or not all(isinstance(part, str) for part in key)
    ):
        raise InvalidArgument([Violation("page_token", "is not a token that this method gave")])
    return key
