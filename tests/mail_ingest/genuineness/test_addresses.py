"""One From, read in one way: everything that parsers disagree about is refused."""

from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_ingest.genuineness.addresses import (
    SenderError,
    aligned,
    domain_of,
    organisation,
    repeated_headers,
    sender_of,
    within,
)
from mail_ingest.genuineness.profiles import known_profiles, parse_profiles
from mail_ingest.message.headers import Header


def sender(*values: str) -> str:
    return sender_of([Header("From", value.encode()) for value in values]).address


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("info@rb.cz", "info@rb.cz"),
        ("<info@rb.cz>", "info@rb.cz"),
        ("Raiffeisenbank <info@rb.cz>", "info@rb.cz"),
        ('"Fio banka, a.s." <automat@fio.cz>', "automat@fio.cz"),
        ('"info@rb.cz" <x@evil.example>', "x@evil.example"),
        ("=?utf-8?q?=C4=8CSOB?= <AdminTBS@CSOB.sk>", "admintbs@csob.sk"),
        ("Česká spořitelna <noreply@csas.cz>", "noreply@csas.cz"),
        ("Slovenská sporiteľňa, a.s. <notifikacie@slsp.sk>", "notifikacie@slsp.sk"),
        ("x@příklad.example", "x@xn--pklad-zsa96e.example"),
        ("x@ｆio.cz", "x@fio.cz"),
        ("x@fiо.cz", "x@xn--fi-gmc.cz"),  # a Cyrillic o
    ],
)
def test_what_is_one_plain_address_is_read(value: str, address: str) -> None:
    assert sender(value) == address


@pytest.mark.parametrize(
    "value",
    [
        "",
        "info@rb.cz <x@evil.example>",
        "RB <info@rb.cz> <x@evil.example>",
        "info@rb.cz, x@evil.example",
        "<info@rb.cz>, <x@evil.example>",
        "RB, a.s. <info@rb.cz>",
        "Slovenská, a.s. <notifikacie@slsp.sk> <x@evil.example>",
        "x@evil.example, a.s. <notifikacie@slsp.sk>",
        "Slovenská, a.s. <notifikacie@slsp.sk.evil.example>",
        "info@rb.cz (x@evil.example)",
        "(info@rb.cz) x@evil.example",
        "Banks: info@rb.cz, x@evil.example;",
        "<@evil.example:info@rb.cz>",
        '"info@rb.cz"@evil.example',
        "info@rb.cz@evil.example",
        "info@[192.0.2.1]",
        "info@rb",
        "info@rb..cz",
        "info@-rb.cz",
        "info@rb.cz.",
        ".info@rb.cz",
        '"open <info@rb.cz>',
        "info@rb.cz\\@evil.example",
        "a\rb <info@rb.cz>",
        "info @rb.cz",
        "info@rb.cz>",
        "x" * 2_000 + " <info@rb.cz>",
        "=?utf-8?q?info=40rb=2Ecz?=",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(value: str) -> None:
    with pytest.raises(SenderError):
        sender(value)


def test_the_parsers_that_the_grammar_is_there_against() -> None:
    assert parseaddr("info@rb.cz <attacker@evil.example>")[1] in {"info@rb.cz", ""}


def test_there_is_exactly_one_from() -> None:
    with pytest.raises(SenderError, match="no From"):
        sender()
    with pytest.raises(SenderError, match="2 From"):
        sender("info@rb.cz", "info@rb.cz")


def test_repeated_headers_are_found_in_any_case() -> None:
    headers = [
        Header("Subject", b"a"),
        Header("SUBJECT", b"a"),
        Header("X-A", b""),
        Header("X-A", b""),
    ]
    assert repeated_headers(headers) == ("Subject",)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_address_or_refused(value: bytes) -> None:
    try:
        found = sender_of([Header("From", value)])
    except SenderError:
        return
    assert found.domain.isascii()
    assert found.domain == found.domain.lower()
    assert value.count(b"@") >= 1 or "\uff20" in value.decode("utf-8", "replace")


@given(st.text(max_size=80), st.text(max_size=80))
def test_alignment_takes_any_text(one: str, other: str) -> None:
    assert aligned(one, other) == aligned(other, one)
    assert organisation(domain_of(f"x@{one}")) is not None


def test_domains_are_compared_whole() -> None:
    assert within("mail.fio.cz", "fio.cz")
    assert not within("evilfio.cz", "fio.cz")
    assert not within("fio.cz.evil.example", "fio.cz")
    assert aligned("mail.fio.cz", "fio.cz")
    assert not aligned("mail.fio.cz", "fio.cz", strict=True)
    assert not aligned("a.co.uk", "b.co.uk")
    assert not aligned("", "")


@pytest.mark.parametrize(
    ("address", "imitates"),
    [
        ("a@fio.cz.bank-notify.example", "fio_cz"),
        ("a@fio-cz.example", "fio_cz"),
        ("a@secure-rb-cz.example", "rb_cz"),
        ("a@fio.cz", None),
        ("a@mail.fio.cz", None),
        ("a@portfio.cz", None),
        ("a@bt.example", None),
    ],
)
def test_domains_that_only_look_like_a_bank_s(address: str, imitates: str | None) -> None:
    found = known_profiles().imitated_by(sender_of([Header("From", address.encode())]))
    assert (found and found.bank) == imitates


def test_every_bank_has_its_senders_and_none_is_shared() -> None:
    profiles = known_profiles().by_bank
    addresses = [address for each in profiles.values() for address in each.addresses]
    assert len(addresses) == len(set(addresses))
    assert len(profiles) == 14
    assert all(address == address.lower() for address in addresses)
    # Signers are of the senders' own organisations.
    for profile in profiles.values():
        assert all(
            any(aligned(signer, domain) for domain in profile.domains) for signer in profile.signers
        )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[a]\nname="A"\nfrom=[]\nsigners=[]\nmagic=1', "magic"),
        ('[a]\nname="A"\nfrom=[]\nsigners=[]\nsignature="good"', "signature"),
    ],
)
def test_wrong_profiles_are_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_profiles(text)
