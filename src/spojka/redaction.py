"""Takes secrets out of texts that others wrote, before anybody keeps or shows them.

A partner may echo what it was sent: the password in an error's text, the
header in a page of a proxy. Whatever a partner says passes here first.
"""

import base64
import html
import json
import re
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

LEAST_CHARACTERS: Final = 5
"""A shorter secret is in every other word; and whoever chose it has worse to fear."""
HIDDEN: Final = "•••"


class Redaction:
    """Hides some secrets, as they are and as they are written in URLs, markup, JSON and Base64."""

    def __init__(self, secrets: Collection[str]) -> None:
        """Take the secrets."""
        forms = {form for secret in secrets for form in _forms(secret)}
        # The longest first: a form may be a part of another one.
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def of(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


def _forms(secret: str) -> Iterator[str]:
    if len(secret) < LEAST_CHARACTERS:
        return
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield html.escape(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for charset in ("utf-8", "windows-1250"):
        try:
            plain = secret.encode(charset)
        except UnicodeEncodeError:
            continue
        yield plain.hex()
        yield from _in_base64(plain)


def _in_base64(plain: bytes) -> Iterator[str]:
    """How the bytes look within the Base64 of something longer, such as "user:password"."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + plain).decode()
        # Signs at the edges depend on the neighbours, too: they tell little and are left.
        inner = encoded[-(-before * 4 // 3) : len(encoded) - _open_signs(before + len(plain))]
        if len(inner) >= LEAST_CHARACTERS:
            yield inner
            yield inner.translate(_URL_SAFE)


def _open_signs(length: int) -> int:
    # Signs at the end, "=" included, that are not made of these bytes alone.
    return {0: 0, 1: 3, 2: 2}[length % 3]


_URL_SAFE: Final = str.maketrans("+/", "-_")
