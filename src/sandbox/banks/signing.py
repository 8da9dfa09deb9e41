"""DKIM signatures by a key that is made at start."""

import base64
from typing import Final

import dkim  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from sandbox.banks.form import SigningHabit

PUBLIC_EXPONENT: Final = 65_537
_STRICT: Final = (b"simple", b"simple")


class Signer:
    """Signs for one domain as its bank was seen to sign."""

    def __init__(self, domain: str, habit: SigningHabit) -> None:
        """Make the key."""
        self._domain = domain
        self._habit = habit
        self._key = _new_key(habit.key_bits)

    @property
    def record_name(self) -> str:
        """Where DNS has the key."""
        return f"{self._habit.selector}._domainkey.{self._domain}"

    @property
    def record(self) -> str:
        """What DNS says of the key."""
        public = self._key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"

    def signed(self, raw: bytes, *, wrongly: bool = False) -> bytes:
        """The mail with its signature; `wrongly` by a key that nobody knows."""
        key = _new_key(self._habit.key_bits) if wrongly else self._key
        header: bytes = dkim.sign(
            raw,
            self._habit.selector.encode(),
            self._domain.encode(),
            key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
            canonicalize=_STRICT,
            include_headers=list(self._habit.headers),
        )
        return header + raw


def _new_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(PUBLIC_EXPONENT, bits)
