"""The address of a bank connection: `bmail-` and 130 random bits.

It limits who can write to us and never proves a sender: banks print it, and
mailboxes that forward show it. So it is stored as a hash, its text is sealed,
and it is not written into logs.
"""

import base64
import hashlib
import re
import secrets
from typing import Final

PREFIX: Final = "bmail-"
CODE_CHARACTERS: Final = 26
"""Of base32, 5 bits each: 130 random bits."""

LOG_CHARACTERS: Final = 4
_RANDOM_BYTES: Final = 17  # 136 bits, of which base32 uses the first 130
_FORM: Final = re.compile(rf"{PREFIX}[a-z2-7]{{{CODE_CHARACTERS}}}\Z")


def new_local_part() -> str:
    """A new address's part before the @, from the operating system's generator."""
    code = base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode().lower()
    return PREFIX + code[:CODE_CHARACTERS]


def local_hash(local_part: str) -> bytes:
    """What an address is looked up by; upper and lower case are the same address."""
    return hashlib.sha256(local_part.lower().encode()).digest()


def recipient_hash(recipient: str, domain: str) -> bytes | None:
    """The hash of a recipient that has the form of our addresses; None for any other."""
    local_part, _, host = recipient.lower().rpartition("@")
    if host != domain or not _FORM.match(local_part):
        return None
    return local_hash(local_part)


def log_form(hashed: bytes) -> str:
    """What may be logged of an address: the first characters of its hash."""
    return hashed.hex()[:LOG_CHARACTERS]
