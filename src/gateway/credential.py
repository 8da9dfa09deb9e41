"""The form of an API key: `spk_<id>_<secret>`.

The id finds the row; the secret proves the caller. A secret has 256 random
bits, so nobody guesses it however fast the hash is: SHA-256 is enough, and a
slow password hash would only make every call slower.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final
from uuid import UUID

from spojka.outbox import new_id

PREFIX: Final = "spk"
SECRET_BYTES: Final = 32
_FORM: Final = re.compile(rf"{PREFIX}_([0-9a-f]{{32}})_[A-Za-z0-9_-]{{43}}\Z")


@dataclass(frozen=True, slots=True)
class Credential:
    """What of a key is compared: its id, and the SHA-256 of its whole text."""

    id: UUID
    digest: bytes

    def proves(self, digest: bytes) -> bool:
        """Whether it is the key with this digest; takes the same time for every wrong one."""
        return compare_digest(self.digest, digest)


def new_key() -> tuple[str, Credential]:
    """A new key: its text, which is shown once, and what is stored."""
    key_id = new_id()
    text = f"{PREFIX}_{key_id.hex}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return text, Credential(key_id, _digest(text))


def parse_key(text: str) -> Credential | None:
    """The credential in a key's text; None where the text is not of a key's form."""
    match = _FORM.match(text)
    return Credential(UUID(match[1]), _digest(text)) if match else None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
