"""What a DKIM signature must be like to count, trap by trap, on mail that a stranger delivered."""

import base64
from datetime import timedelta
from time import process_time

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dkim.canonicalization import CanonicalizationPolicy  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.genuineness.claims import body_length
from tests.mail_ingest.genuineness.bench import REJECTED, TRUSTED, WEAK, Bench, verdict
from tests.mail_ingest.genuineness.signing import (
    ALL_HEADERS,
    BODY,
    NOW,
    ed25519_key,
    mail,
    rsa_key,
    signed,
)


def without(*names: bytes) -> tuple[bytes, ...]:
    return tuple(name for name in ALL_HEADERS if name not in names)


def said(outcome: object) -> str:
    judgement = outcome.judgement  # type: ignore[attr-defined]
    return " ".join((judgement.reason, *judgement.findings))


async def test_a_good_signature_is_trusted_whoever_delivers(bench: Bench) -> None:
    outcome = await bench.forwarded(signed(mail(), rsa_key()))
    assert verdict(outcome) == TRUSTED
    assert "DKIM signature of fio.cz" in outcome.judgement.reason
    assert outcome.sender_domain == "fio.cz"


@pytest.mark.parametrize("header", [b"relaxed", b"simple"])
@pytest.mark.parametrize("body", [b"relaxed", b"simple"])
async def test_every_canonicalisation_verifies(bench: Bench, header: bytes, body: bytes) -> None:
    raw = signed(mail(), rsa_key(), canonicalize=(header, body))
    assert verdict(await bench.forwarded(raw)) == TRUSTED


async def test_ed25519_counts(bench: Bench) -> None:
    bench.zone.txt("e1._domainkey.fio.cz", ed25519_key().record)
    raw = signed(mail(), ed25519_key(), algorithm="ed25519-sha256", selector="e1")
    assert verdict(await bench.forwarded(raw)) == TRUSTED


async def test_oversigned_headers_count(bench: Bench) -> None:
    raw = signed(mail(), rsa_key(), headers=(*ALL_HEADERS, b"from", b"subject", b"to"))
    assert verdict(await bench.forwarded(raw)) == TRUSTED


async def test_a_wide_list_of_headers_counts_and_can_be_stored(bench: Bench) -> None:
    absent = tuple(b"x-absent-%d" % number for number in range(150))
    raw = signed(mail(), rsa_key(), headers=(*ALL_HEADERS, *absent))
    assert verdict(await bench.forwarded(raw)) == TRUSTED


async def test_rsa_sha1_is_weak_at_best(bench: Bench) -> None:
    outcome = await bench.forwarded(signed(mail(), rsa_key(), algorithm="rsa-sha1"))
    assert verdict(outcome) == WEAK
    assert "rsa-sha1" in said(outcome)


async def test_a_length_is_weak_even_when_it_covers_the_whole_body(bench: Bench) -> None:
    outcome = await bench.forwarded(signed(mail(), rsa_key(), length=True))
    assert verdict(outcome) == WEAK
    assert "l=" in said(outcome)


async def test_a_body_longer_than_the_length_is_rejected_even_from_the_bank(bench: Bench) -> None:
    raw = signed(mail(), rsa_key(), length=True) + b"VS: 26000002\r\n"
    for outcome in (await bench.forwarded(raw), await bench.delivered(raw)):
        assert verdict(outcome) == REJECTED
        assert "appended" in outcome.judgement.reason


@pytest.mark.parametrize("name", [b"subject", b"date", b"to", b"content-type", b"mime-version"])
async def test_an_unsigned_critical_header_is_weak(bench: Bench, name: bytes) -> None:
    outcome = await bench.forwarded(signed(mail(), rsa_key(), headers=without(name)))
    assert verdict(outcome) == WEAK
    assert "does not cover" in said(outcome)


async def test_a_critical_header_that_is_absent_need_not_be_signed(bench: Bench) -> None:
    raw = signed(mail(To=None), rsa_key(), headers=without(b"to"))
    assert verdict(await bench.forwarded(raw)) == TRUSTED


@pytest.mark.parametrize(
    "name",
    ["From", "Sender", "Subject", "Date", "To", "Content-Type", "Message-ID", "MIME-Version"],
)
async def test_a_doubled_header_is_rejected_even_from_the_bank(bench: Bench, name: str) -> None:
    extra = f"{name}: automat@fio.cz\r\n".encode() * (2 if name == "Sender" else 1)
    for raw in (extra + signed(mail(), rsa_key()), signed(extra + mail(), rsa_key())):
        assert verdict(await bench.delivered(raw)) == REJECTED
        assert verdict(await bench.forwarded(raw)) == REJECTED


@pytest.mark.parametrize(
    ("change", "trust"),
    [
        ({"sign_time": NOW - timedelta(days=6)}, TRUSTED),
        ({"sign_time": NOW - timedelta(days=8)}, WEAK),
        ({"sign_time": NOW + timedelta(minutes=5)}, TRUSTED),
        ({"sign_time": NOW + timedelta(hours=1)}, WEAK),
        ({"sign_time": None}, TRUSTED),
        ({"expire_time": NOW + timedelta(days=1)}, TRUSTED),
        ({"expire_time": NOW - timedelta(seconds=1)}, WEAK),
    ],
)
async def test_times_are_held_against_the_time_of_receipt(
    bench: Bench, change: dict[str, object], trust: tuple[str, str]
) -> None:
    raw = signed(mail(), rsa_key(), **change)  # type: ignore[arg-type]
    assert verdict(await bench.forwarded(raw)) == trust


async def test_an_old_mail_sent_again_waits_for_a_person(bench: Bench) -> None:
    raw = signed(mail(), rsa_key(), sign_time=None)
    outcome = await bench.forwarded(raw, at=NOW + timedelta(days=11))
    assert verdict(outcome) == ("trusted", "review")
    assert "more than 10 days" in said(outcome)


async def test_a_1024_bit_key_counts_and_is_noted(bench: Bench) -> None:
    bench.zone.txt("s1._domainkey.fio.cz", rsa_key(1024).record)
    outcome = await bench.forwarded(signed(mail(), rsa_key(1024)))
    assert verdict(outcome) == TRUSTED
    assert "1024 bits" in said(outcome)


SHORT_KEY = (
    "v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBALmTjxiplHKgmRlPhENj3WK5f98F3pGE"
    "qRqUPH0wXNrDYzaO5WZFNAvnjSqVQUpx2/QCK8jXLe94h2iIUJYhCdECAwEAAQ=="
)


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (SHORT_KEY, "512 bits"),
        ("v=DKIM1; k=rsa; p=", "revoked"),
        ("v=DKIM2; p=x", "unknown version"),
        ("k=rsa; p=!!!!", "decoded"),
        (f"t=y; {rsa_key().record[9:]}", "only being tried"),
        (f"h=sha1; {rsa_key().record[9:]}", "hash"),
        (f"s=tlsrpt; {rsa_key().record[9:]}", "not for mail"),
        (f"n={'x' * 3000}; {rsa_key().record[9:]}", "too long"),
        (ed25519_key().record, "another kind"),
        ("p=" + base64.b64encode(b"\x30" * 600).decode(), "decoded"),
        (rsa_key(1024).record, "does not fit"),
    ],
    # The keys are made anew in each process, and may name no test.
    ids=[
        "short",
        "revoked",
        "version",
        "no base64",
        "on trial",
        "hash",
        "service",
        "long",
        "another kind",
        "no key",
        "another key",
    ],
)
async def test_keys_that_do_not_count(bench: Bench, record: str, named: str) -> None:
    bench.zone.txt("s1._domainkey.fio.cz", record)
    outcome = await bench.forwarded(signed(mail(), rsa_key()))
    assert verdict(outcome) == REJECTED
    assert named in said(outcome)


async def test_two_keys_under_one_name_or_none_do_not_count(bench: Bench) -> None:
    bench.zone.txt("s1._domainkey.fio.cz", rsa_key().record, rsa_key(1024).record)
    assert verdict(await bench.forwarded(signed(mail(), rsa_key()))) == REJECTED
    raw = signed(mail(), rsa_key(), selector="none")
    outcome = await bench.forwarded(raw)
    assert verdict(outcome) == REJECTED
    assert "not published" in said(outcome)


async def test_a_changed_body_or_header_is_rejected(bench: Bench) -> None:
    raw = signed(mail(), rsa_key())
    assert verdict(await bench.forwarded(raw.replace(b"26000001", b"26000002"))) == REJECTED
    changed = raw.replace(b"prijem na konte", b"vydaj na konte")
    assert verdict(await bench.forwarded(changed)) == REJECTED
    assert verdict(await bench.forwarded(raw + b"one more line\r\n")) == REJECTED


async def test_a_signature_of_another_domain_proves_nothing(bench: Bench) -> None:
    bench.zone.txt("s1._domainkey.evil.example", rsa_key().record)
    outcome = await bench.forwarded(signed(mail(), rsa_key(), domain="evil.example"))
    assert verdict(outcome) == REJECTED


async def test_a_bank_s_subdomain_may_sign_and_a_lookalike_may_not(bench: Bench) -> None:
    bench.zone.txt("s1._domainkey.mail.fio.cz", rsa_key().record)
    raw = signed(mail(), rsa_key(), domain="mail.fio.cz")
    assert verdict(await bench.forwarded(raw)) == TRUSTED
    bench.zone.txt("s1._domainkey.evilfio.cz", rsa_key().record)
    raw = signed(mail(), rsa_key(), domain="evilfio.cz")
    assert verdict(await bench.forwarded(raw)) == REJECTED


async def test_one_good_signature_among_bad_ones_is_enough_but_not_behind_the_limit(
    bench: Bench,
) -> None:
    good = signed(mail(), rsa_key())
    bad = b"DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=x; h=from; bh=AAAA; b=AAAA\r\n"
    assert verdict(await bench.forwarded(bad * 3 + good)) == TRUSTED
    assert verdict(await bench.forwarded(bad * 6 + good)) == REJECTED


@pytest.mark.parametrize(
    "value",
    [
        b"", b";", b"v=1", b"v=1; a=rsa-sha256; b=; bh=; d=fio.cz; h=from; s=s1",
        b"v=1; a=magic; b=AAAA; bh=AAAA; d=fio.cz; h=from; s=s1",
        b"v=1; a=rsa-sha256; b=AAAA; bh=AAAA; d=fio.cz; h=from; s=s1; l=-1",
        b"v=1; a=rsa-sha256; b=AAAA; bh=AAAA; d=fio.cz; h=from; s=s1; l=" + b"9" * 80,
        b"v=1; a=rsa-sha256; b=AAAA; bh=AAAA; d=fio.cz; h=from; s=s1; c=magic/magic; l=1",
        b"v=1; a=rsa-sha256; b=AAAA; bh=AAAA; d=\xc3\xa9.cz; h=from; s=s1",
        b"v=1; a=rsa-sha256; b=AAAA; bh=AAAA; d=" + b"a." * 200 + b"cz; h=from; s=s1",
        b"v=1; a=rsa-sha256; b=AA\xff; bh=AAAA; d=fio.cz; h=from; s=s1",
        b"v=1;" + b" " * 5000 + b"a=rsa-sha256",
        b"v=1; a=rsa-sha256; a=rsa-sha1; b=AAAA; bh=AAAA; d=fio.cz; h=from; s=s1",
    ],
)  # fmt: skip
async def test_malformed_signatures_prove_nothing_and_break_nothing(
    bench: Bench, value: bytes
) -> None:
    outcome = await bench.forwarded(b"DKIM-Signature: " + value + b"\r\n" + mail())
    assert verdict(outcome) == REJECTED


async def test_long_runs_of_blanks_do_not_hold_up_the_checking(bench: Bench) -> None:
    before = process_time()
    for hostile in (b" " * 400_000 + b"x", b"\t " * 200_000, (b" " * 399 + b"x") * 1_000):
        raw = signed(mail(), rsa_key()) + hostile
        assert verdict(await bench.forwarded(raw)) == REJECTED
    # Checked as dkimpy does it, the first of them takes minutes.
    assert process_time() - before < 5


async def test_a_key_of_monstrous_size_is_not_computed_with(bench: Bench) -> None:
    public = rsa.RSAPublicNumbers(65_537, (1 << 8191) | 1).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    bench.zone.txt("s1._domainkey.fio.cz", f"k=rsa; p={base64.b64encode(der).decode()}")
    outcome = await bench.forwarded(signed(mail(), rsa_key()))
    assert verdict(outcome) == REJECTED
    assert "larger than is checked" in said(outcome)


async def test_the_signed_text_is_what_is_read(bench: Bench) -> None:
    outcome = await bench.forwarded(signed(mail(BODY.replace("26000001", "26000009")), rsa_key()))
    assert [each.vs for each in outcome.movements] == ["26000009"]


LINES = st.lists(st.sampled_from([b"a", b" ", b"\t", b"  b  c ", b"", b"x" * 80]), max_size=12)


@given(LINES, st.sampled_from([b"\r\n", b"\n"]), st.sampled_from([b"simple", b"relaxed"]))
def test_the_body_is_measured_as_it_is_signed(lines: list[bytes], end: bytes, form: bytes) -> None:
    body = end.join([*lines, b""])
    policy = CanonicalizationPolicy.from_c_value(b"relaxed/" + form)
    canonical = policy.canonicalize_body(body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert body_length(body, b"relaxed/" + form) == len(canonical)
