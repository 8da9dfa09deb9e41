"""Partners' credentials, sealed with AES-256-GCM (DESIGN §8).

A sealed value is bound to its place (the associated data), so that it can't be
moved to another tenant's row, and names its key, so that keys can be rotated.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES: Final = 12


class SealBroken(Exception):
    """A sealed value can't be opened: its key is missing or it was moved or altered."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value and the id of its key."""

    key_id: str
    ciphertext: bytes


class Seal:
    """Seals and opens credentials. `keys` by id; the first one seals."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Take the keys (32 bytes each)."""
        self._keys = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.key_id = next(iter(keys))

    def seal(self, credentials: Mapping[str, str], place: str) -> Sealed:
        """Seal credentials for `place`, such as "warehouse_connection/<tenant>/<id>"."""
        nonce = os.urandom(NONCE_BYTES)
        plain = json.dumps(dict(credentials)).encode()
        sealed = self._keys[self.key_id].encrypt(nonce, plain, place.encode())
        return Sealed(self.key_id, nonce + sealed)

    def open(self, sealed: Sealed, place: str) -> dict[str, str]:
        """Open what was sealed for `place`. Raises SealBroken."""
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise SealBroken(
                f"the sealing key {sealed.key_id!r} is not in SPOJKA_SEALING_KEYS; add it again"
            )
        nonce, body = sealed.ciphertext[:NONCE_BYTES], sealed.ciphertext[NONCE_BYTES:]
        try:
            opened: dict[str, str] = json.loads(key.decrypt(nonce, body, place.encode()))
        except InvalidTag as error:
            raise SealBroken(f"the credentials of {place} were moved or altered") from error
        return opened
