"""DKIM (RFC 6376): every signature of a mail verified on its original bytes, by dkimpy.

dkimpy's patterns take quadratic time on long runs of blanks, and its RSA any
key it is given; so what is odd is turned away before it gets there. Keys are
fetched by our resolver first; the verifying itself asks nobody.
"""

import asyncio
import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import dkim  # type: ignore[import-untyped]
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from mail_ingest.genuineness.claims import Claim, Malformed, Tags, claims_of, parse_tags
from mail_ingest.genuineness.resolver import Resolver, TemporaryFailure
from mail_ingest.genuineness.signature import RSA_BITS_MIN, Signature, Verified
from mail_ingest.message.headers import Header

KEY_RECORD_BYTES_MAX: Final = 2_048
KEYS_KEPT_MAX: Final = 256
RSA_BITS_MAX: Final = 4_096
RSA_EXPONENT_MAX: Final = 2**32
THREAD_FROM_BYTES: Final = 64 * 1024

_BLANK_RUN_BODY = re.compile(rb"[ \t]{400}")
_TIMED_TAGS: Final = frozenset({b"t", b"x"})  # judged against the receive time, by us


async def check_signatures(
    raw: bytes, headers: Sequence[Header], body: bytes, resolver: Resolver
) -> tuple[Signature, ...]:
    """Return the signatures of a mail, SIGNATURES_MAX of them at most, from the top down.

    `headers` and `body` are the mail's bytes, split.
    """
    claims = claims_of(headers, body)
    keys = await asyncio.gather(*(_key(claim, resolver) for claim in claims))
    if len(raw) < THREAD_FROM_BYTES:
        return _verified(raw, claims, keys)
    return await asyncio.to_thread(_verified, raw, claims, keys)


@dataclass(frozen=True, slots=True)
class _Key:
    """A key record that may be used."""

    record: bytes
    bits: int


async def _key(claim: Claim | Signature, resolver: Resolver) -> _Key | Signature | None:
    """The key of a claim; a finished signature where there is none to be had."""
    if isinstance(claim, Signature):
        return None
    signature = claim.signature
    try:
        records = await resolver.text(f"{signature.selector}._domainkey.{signature.domain}")
    except TemporaryFailure as failure:
        return replace(signature, verified=Verified.TEMPERROR, reason=str(failure))
    try:
        return _usable_key(records, claim)
    except Malformed as error:
        return replace(signature, reason=str(error))


def _usable_key(records: Sequence[bytes], claim: Claim) -> _Key:
    """Choose the key. Raises Malformed with what is wrong with it."""
    candidates = [record for record in records if b"p=" in record.replace(b" ", b"")]
    if len(candidates) != 1:
        raise Malformed("its key is not published" if not candidates else "it has several keys")
    record = candidates[0]
    if len(record) > KEY_RECORD_BYTES_MAX:
        raise Malformed("its key record is too long")
    tags = parse_tags(record)
    _check_restrictions(tags, claim)
    encoded = re.sub(rb"\s+", b"", tags.get(b"p", b""))
    if not encoded:
        raise Malformed("its key has been revoked")
    kind = tags.get(b"k", b"rsa").lower()
    if not claim.signature.algorithm.startswith(f"{kind.decode('ascii', 'replace')}-"):
        raise Malformed("its key is of another kind than its algorithm")
    return _Key(record, _bits(kind, encoded))


def is_safe_key(record: bytes) -> bool:
    """Whether a key record is of a size that may be computed with."""
    if len(record) > KEY_RECORD_BYTES_MAX:
        return False
    try:
        tags = parse_tags(record)
        encoded = re.sub(rb"\s+", b"", tags.get(b"p", b""))
        return _bits(tags.get(b"k", b"rsa").lower(), encoded) >= RSA_BITS_MIN
    except Malformed:
        return False


def has_blank_runs(body: bytes) -> bool:
    """Whether a body holds runs of blanks that dkimpy takes quadratic time for."""
    return _BLANK_RUN_BODY.search(body) is not None


def _check_restrictions(tags: Tags, claim: Claim) -> None:
    if tags.get(b"v", b"DKIM1") != b"DKIM1":
        raise Malformed("its key record is of an unknown version")
    hashes = [each.strip().lower() for each in tags.get(b"h", b"").split(b":") if each.strip()]
    used = claim.signature.algorithm.rpartition("-")[2].encode()
    if hashes and used not in hashes:
        raise Malformed("its key does not allow this hash")
    services = [each.strip().lower() for each in tags.get(b"s", b"*").split(b":")]
    if not {b"*", b"email"} & set(services):
        raise Malformed("its key is not for mail")
    flags = [each.strip().lower() for each in tags.get(b"t", b"").split(b":")]
    if b"y" in flags:
        raise Malformed("its key is only being tried (t=y)")
    identity = claim.tags.get(b"i", b"@" + claim.tags[b"d"]).rpartition(b"@")[2].lower()
    if b"s" in flags and identity != claim.tags[b"d"].lower():
        raise Malformed("its key is not for subdomains")


@lru_cache(maxsize=KEYS_KEPT_MAX)
def _bits(kind: bytes, encoded: bytes) -> int:
    """Measure a key. Raises Malformed for what can't be decoded or is too large to compute with."""
    try:
        der = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise Malformed("its key can't be decoded") from error
    if kind == b"ed25519":
        return len(der) * 8
    if kind != b"rsa":
        raise Malformed("its key is of an unknown kind")
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Malformed("its key can't be decoded") from error
    if not isinstance(key, RSAPublicKey):
        raise Malformed("its key is no RSA key")
    if key.key_size > RSA_BITS_MAX or key.public_numbers().e > RSA_EXPONENT_MAX:
        raise Malformed("its key is larger than is checked")
    return key.key_size


def _verified(
    raw: bytes,
    claims: Sequence[Claim | Signature],
    keys: Sequence[_Key | Signature | None],
) -> tuple[Signature, ...]:
    mail: Any = None
    results = []
    for place, (claim, key) in enumerate(zip(claims, keys, strict=True)):
        if isinstance(claim, Signature):
            results.append(claim)
        elif isinstance(key, Signature):
            results.append(key)
        elif key is not None:
            mail = mail or dkim.DKIM(raw, minkey=RSA_BITS_MIN)
            results.append(_outcome(mail, place, claim, key))
    return tuple(results)


def _outcome(mail: Any, place: int, claim: Claim, key: _Key) -> Signature:
    signature = replace(claim.signature, key_bits=key.bits)
    if has_blank_runs(mail.body):
        return replace(signature, reason="the body holds runs of blanks that are not checked")
    if signature.algorithm.startswith("rsa") and key.bits < RSA_BITS_MIN:
        return replace(signature, reason=f"its key has only {key.bits} bits")
    header = [pair for pair in mail.headers if pair[0].lower() == b"dkim-signature"][place]
    tags = {name: value for name, value in claim.tags.items() if name not in _TIMED_TAGS}
    try:
        dkim.validate_signature_fields(tags)
        valid = mail.verify_sig(
            tags,
            [name.strip().lower() for name in tags[b"h"].split(b":")],
            tuple(header),
            lambda _name, timeout: key.record,  # noqa: ARG005 - dkimpy's signature
        )
    except dkim.DKIMException as error:
        return replace(signature, reason=f"it does not verify: {error}"[:300])
    except Exception as error:  # noqa: BLE001 - whatever trips dkimpy is no valid signature
        return replace(signature, reason=f"it can't be verified: {type(error).__name__}")
    if not valid:
        return replace(signature, reason="it does not fit the mail")
    return replace(signature, verified=Verified.PASS)
