"""A forwarder's seal: it raises a rejected mail to one that waits for a person, if it is listed."""

import time

import dkim  # type: ignore[import-untyped]
import pytest

from mail_ingest.genuineness.results import ArcCheck
from tests.mail_ingest.genuineness.bench import REJECTED, WEAK, Bench, verdict
from tests.mail_ingest.genuineness.signing import OTHER_IP, mail, rsa_key


def sealed(
    raw: bytes, domain: str = "google.com", seen: str = "spf=pass smtp.mailfrom=automat@fio.cz"
) -> bytes:
    """The mail with one ARC set on top, as a forwarder makes it (RFC 8617 §5.1)."""
    results = b"ARC-Authentication-Results: i=1; mx.google.com; " + seen.encode() + b"\r\n"
    stamp = str(int(time.time())).encode()
    message = _signed(
        results + raw,
        b"ARC-Message-Signature",
        [(b"i", b"1"), (b"a", b"rsa-sha256"), (b"c", b"relaxed/relaxed")],
        [b"from", b"to", b"subject", b"date"],
        domain,
        stamp,
    )
    seal = _signed(
        message + results,
        b"ARC-Seal",
        [(b"i", b"1"), (b"cv", b"none"), (b"a", b"rsa-sha256")],
        [b"arc-authentication-results", b"arc-message-signature"],
        domain,
        stamp,
    )
    return seal + message + results + raw


def _signed(
    raw: bytes,
    name: bytes,
    fields: list[tuple[bytes, bytes]],
    covered: list[bytes],
    domain: str,
    stamp: bytes,
) -> bytes:
    signer = dkim.ARC(raw)
    signer.hasher = dkim.HASH_ALGORITHMS[b"rsa-sha256"]
    policy = dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    fields = [*fields, (b"d", domain.encode()), (b"s", b"arc"), (b"t", stamp)]
    if name == b"ARC-Message-Signature":
        hashed = signer.hasher(policy.canonicalize_body(signer.body)).digest()
        fields += [(b"h", b":".join(covered)), (b"bh", dkim.base64.b64encode(hashed))]
    key = dkim.parse_pem_private_key(rsa_key().private)
    value = signer.gen_header([*fields, (b"b", b"0" * 60)], covered, policy, name, key)
    return name + b": " + bytes(value).strip() + b"\r\n"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.zone.txt("forwarder.example", f"v=spf1 ip4:{OTHER_IP} -all")
    for domain in ("google.com", "evil.example"):
        bench.zone.txt(f"arc._domainkey.{domain}", rsa_key().record)
    return bench


async def test_a_listed_sealer_raises_rejected_to_weak(bench: Bench) -> None:
    assert verdict(await bench.forwarded(mail())) == REJECTED
    outcome = await bench.forwarded(sealed(mail()))
    assert verdict(outcome) == WEAK
    assert "google.com says that it saw SPF pass for fio.cz" in outcome.judgement.reason


async def test_an_unlisted_sealer_raises_nothing(bench: Bench) -> None:
    assert verdict(await bench.forwarded(sealed(mail(), "evil.example"))) == REJECTED


@pytest.mark.parametrize(
    "seen",
    [
        "spf=fail smtp.mailfrom=automat@fio.cz",
        "spf=pass smtp.mailfrom=x@evil.example",
        "spf=none (spf=pass smtp.mailfrom=automat@fio.cz) smtp.mailfrom=x@evil.example",
        "dkim=pass header.d=evil.example",
        "spf=pass smtp.mailfrom=x@fio.cz.evil.example",
    ],
)
async def test_a_sealer_that_saw_nothing_of_the_bank_raises_nothing(
    bench: Bench, seen: str
) -> None:
    assert verdict(await bench.forwarded(sealed(mail(), seen=seen))) == REJECTED


async def test_a_broken_seal_raises_nothing(bench: Bench) -> None:
    raw = sealed(mail())
    assert verdict(await bench.forwarded(raw.replace(b"26000001", b"26000002"))) == REJECTED
    twice = raw.replace(b"i=1; mx.google.com", b"i=2; mx.google.com")
    assert verdict(await bench.forwarded(twice)) == REJECTED


@pytest.mark.parametrize(
    "line",
    [
        "none",
        "pass, sealer google.com",
        "pass, sealer google.com, i=1 spf=pass for csob.sk",
        "fail, sealer evil.example",
    ],
)
def test_the_line_is_read_as_it_is_written(line: str) -> None:
    assert str(ArcCheck.parse(line)) == line
