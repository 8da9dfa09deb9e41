"""Mails as a bank would send them, and keys to sign them with."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import dkim  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

NOW = datetime(2026, 11, 11, 10, 20, tzinfo=UTC)
BANK_IP = "192.0.2.25"
OTHER_IP = "198.51.100.66"
ALL_HEADERS = (
    b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type",
    b"content-transfer-encoding",
)  # fmt: skip

HEADERS = {
    "Return-Path": "<automat@fio.cz>",
    "Date": "Wed, 11 Nov 2026 11:15:42 +0100",
    "From": "automat@fio.cz",
    "To": "bmail-q7m2x9k4t8w3r6v1c5d0hz4n8b@pay.example",
    "Message-ID": "<1@fio.cz>",
    "Subject": "Fio banka - prijem na konte",
    "MIME-Version": "1.0",
    "Content-Type": 'text/plain; charset="utf-8"',
    "Content-Transfer-Encoding": "8bit",
}
BODY = (
    "Příjem na kontě: 1111111111\r\nČástka: 3 898,00\r\nVS: 26000001\r\n"
    "Zpráva příjemci: objednavka 26000001\r\nAktuální zůstatek: 13 387,48\r\n"
    "Protiúčet: 2222222222/0800\r\nSS: 0\r\nKS: 0308\r\n"
)


def mail(body: str = BODY, **changes: str | None) -> bytes:
    """A mail of Fio's; `changes` by header name with "_" for "-", None leaves one out."""
    headers = dict(HEADERS)
    for name, value in changes.items():
        key = name.replace("_", "-")
        if value is None:
            headers.pop(key)
        else:
            headers[key] = value
    block = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (block + "\r\n" + body).encode()


@dataclass(frozen=True)
class Key:
    """A signing key and the TXT record that publishes it."""

    private: bytes
    record: str


@cache
def rsa_key(bits: int = 2048) -> Key:
    """An RSA key of this many bits, made once."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=bits)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return Key(private, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}")


@cache
def ed25519_key() -> Key:
    """An Ed25519 key, made once."""
    key = ed25519.Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return Key(
        base64.b64encode(private), f"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"
    )


def signed(
    raw: bytes,
    key: Key,
    *,
    domain: str = "fio.cz",
    selector: str = "s1",
    algorithm: str = "rsa-sha256",
    headers: tuple[bytes, ...] = ALL_HEADERS,
    canonicalize: tuple[bytes, bytes] = (b"relaxed", b"simple"),
    length: bool = False,
    sign_time: datetime | None = NOW,
    expire_time: datetime | None = None,
) -> bytes:
    """The mail with a signature on top, made at a time of the test's choice."""
    signer = _TimedSigner(raw, signature_algorithm=algorithm.encode())
    signer.times = (sign_time, expire_time)
    signature = signer.sign(
        selector.encode(),
        domain.encode(),
        key.private,
        canonicalize=canonicalize,
        include_headers=list(headers),
        length=length,
    )
    return bytes(signature) + raw


class _TimedSigner(dkim.DKIM):  # type: ignore[misc]  # a class without types
    """dkimpy signs at the present time; the tests choose t= and x=."""

    times: tuple[datetime | None, datetime | None] = (None, None)

    def gen_header(self, fields, *arguments, **options):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN003, ANN202
        sign_time, expire_time = self.times
        kept = [(name, value) for name, value in fields if name != b"t"]
        timed = [
            (name, str(int(time.timestamp())).encode())
            for name, time in ((b"t", sign_time), (b"x", expire_time))
            if time is not None
        ]
        return super().gen_header([*kept[:6], *timed, *kept[6:]], *arguments, **options)
