"""The verdict on a mail as a pure function of its bytes and its evidence."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail_ingest.genuineness.evidence import Evidence
from mail_ingest.genuineness.results import NO_CHAIN, ArcCheck, DmarcResult, SpfResult
from mail_ingest.genuineness.signature import Signature, Verified
from mail_ingest.judging import ConnectionView, Outcome, judge_mail
from tests.mail_ingest.genuineness.bench import REJECTED, TRUSTED, VIEW, WEAK, verdict
from tests.mail_ingest.genuineness.signing import BODY, HEADERS, NOW, OTHER_IP, mail

COVERED: Final = (
    "from", "to", "subject", "date", "content-type", "mime-version", "content-transfer-encoding",
)  # fmt: skip
DIRECT: Final = Evidence(
    mail_from="automat@fio.cz",
    spf=SpfResult.PASS,
    spf_domain="fio.cz",
    spf_aligned=True,
    dmarc=DmarcResult.PASS,
)
SIGNED: Final = Evidence(
    mail_from="x@forwarder.example",
    spf=SpfResult.PASS,
    spf_domain="forwarder.example",
    signatures=(Signature("fio.cz", Verified.PASS, "s", "rsa-sha256", 2048, COVERED),),
    dmarc=DmarcResult.PASS,
    forwarded=True,
)
FORGED: Final = Evidence(
    client_ip=OTHER_IP,
    mail_from="automat@fio.cz",
    spf=SpfResult.FAIL,
    spf_domain="fio.cz",
    dmarc=DmarcResult.FAIL,
)
STRANGER: Final = Evidence(
    mail_from="x@evil.example",
    spf=SpfResult.PASS,
    spf_domain="evil.example",
    spf_aligned=True,
    signatures=(Signature("evil.example", Verified.PASS, "s", "rsa-sha256", 2048, COVERED),),
    dmarc=DmarcResult.PASS,
)
LABELLED: Final = (
    "Částka: 1 250,00 CZK\r\nVariabilní symbol: 26000001\r\n"
    "Číslo účtu: 1111111111/2010\r\nDatum: 11.11.2026\r\n"
)


def judged(raw: bytes, evidence: Evidence, view: ConnectionView = VIEW, **change: Any) -> Outcome:
    return judge_mail(raw, replace(evidence, **change), view, NOW)


def test_either_proof_is_enough() -> None:
    assert verdict(judged(mail(), DIRECT)) == TRUSTED
    assert verdict(judged(mail(), SIGNED)) == TRUSTED
    assert verdict(judged(mail(), FORGED)) == REJECTED
    assert verdict(judged(mail(), Evidence())) == REJECTED


@pytest.mark.parametrize(
    "change",
    [
        {"spf_aligned": False},
        {"spf_domain": "evil.example"},
        {"spf_domain": "fio.cz.evil.example"},
        {"spf": SpfResult.SOFTFAIL},
        {"spf": SpfResult.NEUTRAL},
        {"spf": SpfResult.PERMERROR},
        {"forwarded": True},
        {"dmarc": DmarcResult.FAIL},
        {"dmarc": None},
    ],
)
def test_every_part_of_the_direct_proof_is_needed(change: dict[str, Any]) -> None:
    assert verdict(judged(mail(), DIRECT, **change)) == REJECTED


def test_somebody_else_s_account_is_rejected_however_genuine() -> None:
    view = replace(VIEW, accounts=("2800000008/2010",))
    outcome = judged(mail(), DIRECT, view)
    assert verdict(outcome) == REJECTED
    assert outcome.kind == "foreign_account"
    assert outcome.judgement.reason.startswith("It tells of an account that is not")


def test_a_sender_that_the_template_does_not_know_is_rejected() -> None:
    for address, evidence in (
        ("x@evil.example", STRANGER),
        ("automat@fio.cz.bank-notify.example", STRANGER),
        ("info@rb.cz", replace(DIRECT, mail_from="info@rb.cz", spf_domain="rb.cz")),
    ):
        assert verdict(judged(mail(From=address), evidence)) == REJECTED


def test_by_hand_only_from_a_confirmed_mailbox_and_only_weak() -> None:
    proof = replace(STRANGER, mail_from="owner@shop.example", spf_domain="shop.example")
    raw = mail(From="Owner <Owner@shop.example>", Subject="FW: Fio banka - prijem na konte")
    assert verdict(judged(raw, proof)) == WEAK
    assert "your mailbox owner@shop.example" in judged(raw, proof).judgement.reason
    assert verdict(judged(raw, STRANGER)) == REJECTED
    assert verdict(judged(raw, proof, replace(VIEW, mailboxes=()))) == REJECTED
    assert verdict(judged(raw, replace(proof, dmarc=DmarcResult.FAIL))) == REJECTED


def test_an_unknown_bank_waits_for_a_person_if_it_is_who_it_says() -> None:
    raw = mail(LABELLED, From="Bank <notice@bank.example>", Subject="Platba")
    proof = replace(STRANGER, mail_from="a@bank.example", spf_domain="bank.example")
    assert verdict(judged(raw, proof)) == WEAK
    assert verdict(judged(raw, STRANGER)) == REJECTED


def test_a_listed_bank_without_a_template_waits_for_a_person() -> None:
    raw = mail(LABELLED, From="info@kb.cz", Subject="Platba")
    outcome = judged(raw, replace(DIRECT, spf_domain="kb.cz"))
    assert (verdict(outcome), outcome.bank) == (WEAK, "kb_cz")
    assert "No template" in outcome.judgement.reason


def test_the_bank_s_outgoing_movements_are_only_recorded() -> None:
    raw = mail(BODY.replace("Příjem", "Výdaj").replace("Zpráva příjemci", "US"))
    assert verdict(judged(raw, DIRECT)) == ("trusted", "record_only")


def test_a_reading_with_doubts_waits_for_a_person() -> None:
    raw = mail(BODY.replace("VS: 26000001", "VS: 26000001\r\nVS: 26000002"))
    assert verdict(judged(raw, DIRECT)) == ("trusted", "review")


def test_an_address_confirmation_is_shown_whoever_sent_it() -> None:
    raw = mail(
        "Confirmation code: 123456789\r\n",
        From="forwarding-noreply@google.com",
        Subject="(#123456789) Gmail Forwarding Confirmation",
    )
    for evidence in (Evidence(), STRANGER):
        assert verdict(judged(raw, evidence)) == ("not_applicable", "show_to_user")


@pytest.mark.parametrize(
    ("date", "action"),
    [
        ("Wed, 11 Nov 2026 11:15:42 +0100", "match"),
        ("Mon, 02 Nov 2026 11:15:42 +0100", "match"),
        ("Sun, 01 Nov 2026 09:00:00 +0100", "review"),
        ("Fri, 13 Nov 2026 11:15:42 +0100", "review"),
        ("yesterday", "review"),
        ("Wed, 99 Nov 99999 11:15:42 +0100", "review"),
        (None, "review"),
    ],
)
def test_mail_of_another_time_waits_for_a_person(date: str | None, action: str) -> None:
    assert verdict(judged(mail(Date=date), DIRECT)) == ("trusted", action)


def test_dns_without_an_answer_is_retried_only_where_it_is_the_sender_s() -> None:
    waiting = judged(mail(), DIRECT, spf=SpfResult.TEMPERROR)
    assert (verdict(waiting), waiting.judgement.retry) == (WEAK, True)
    evil = judged(mail(), FORGED, spf=SpfResult.TEMPERROR, spf_domain="evil.example")
    assert (verdict(evil), evil.judgement.retry) == (REJECTED, False)
    sealed = judged(mail(), FORGED, dmarc=DmarcResult.NONE, arc=ArcCheck("temperror"))
    assert (verdict(sealed), sealed.judgement.retry) == (REJECTED, True)


def test_every_verdict_is_a_sentence() -> None:
    for evidence in (DIRECT, SIGNED, FORGED, STRANGER, Evidence()):
        for raw in (mail(), mail(From=None), mail(LABELLED, From="info@kb.cz")):
            reason = judged(raw, evidence).judgement.reason
            assert reason[0].isupper()
            assert reason.endswith(".")


NAMES = st.sampled_from([
    *HEADERS, "Sender", "Reply-To", "Authentication-Results", "Received", "DKIM-Signature",
    "ARC-Seal", "X-Spam-Status", "Resent-From", "Return-Path", "From ", "fRoM",
])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([
        "automat@fio.cz", "Fio <automat@fio.cz>", "automat@fio.cz <x@evil.example>",
        "x@evil.example <automat@fio.cz>", '"automat@fio.cz" <x@evil.example>',
        "automat@fio.cz, x@evil.example", "automat@fio.cz.evil.example", "info@rb.cz",
        "spf=pass dkim=pass dmarc=pass", "v=1; a=rsa-sha256; d=fio.cz; s=s; h=from; bh=A; b=A",
        "multipart/mixed; boundary=x", "text/html; charset=windows-1250", "a\r\n b",
        "x@evil.example",
    ]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)  # fmt: skip
HEADER_LISTS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@settings(max_examples=400)
@given(added=HEADER_LISTS, dropped=st.sets(st.sampled_from(sorted(HEADERS))), first=st.booleans())
def test_no_headers_make_a_rejected_mail_trusted(
    added: list[tuple[str, str]], dropped: set[str], first: bool
) -> None:
    kept = [(name, value) for name, value in HEADERS.items() if name not in dropped]
    block = "".join(f"{n}: {v}\r\n" for n, v in (added + kept if first else kept + added))
    raw = (block + "\r\n" + BODY).encode()
    for evidence in (FORGED, STRANGER, Evidence()):
        outcome = judge_mail(raw, evidence, VIEW, NOW)
        assert outcome.judgement.trust.value != "trusted", block
        assert outcome.judgement.action.value != "match"


RANK: Final = {"rejected": 0, "weak": 1, "trusted": 2}
SIGNATURES = st.builds(
    Signature,
    domain=st.sampled_from(["fio.cz", "mail.fio.cz", "evil.example"]),
    verified=st.sampled_from(list(Verified)),
    algorithm=st.sampled_from(["rsa-sha256", "rsa-sha1", "ed25519-sha256", ""]),
    key_bits=st.sampled_from([None, 512, 1024, 2048]),
    signed=st.sampled_from([None, COVERED, ("from",), ("subject",)]),
    length=st.sampled_from([None, 100]),
    sign_time=st.sampled_from([None, 0, int(NOW.timestamp()), 2**40]),
    expire_time=st.sampled_from([None, 0, 2**40]),
)
EVIDENCE = st.builds(
    Evidence,
    mail_from=st.sampled_from(["automat@fio.cz", "x@evil.example", ""]),
    forwarded=st.booleans(),
    spf=st.sampled_from(list(SpfResult)),
    spf_domain=st.sampled_from(["fio.cz", "mail.fio.cz", "evil.example", ""]),
    spf_aligned=st.booleans(),
    signatures=st.lists(SIGNATURES, max_size=3).map(tuple),
    dmarc=st.sampled_from([None, *DmarcResult]),
    arc=st.sampled_from([
        NO_CHAIN, ArcCheck("pass", "google.com", 1, "spf", "fio.cz"), ArcCheck("temperror"),
        ArcCheck("pass", "evil.example", 1, "spf", "fio.cz"), ArcCheck("pass", "google.com"),
    ]),
)  # fmt: skip
LESS = {
    "spf": SpfResult.NONE,
    "spf_domain": "",
    "spf_aligned": False,
    "dmarc": None,
    "arc": NO_CHAIN,
    "signatures": (),
}


@settings(max_examples=400)
@given(evidence=EVIDENCE, removed=st.sampled_from(sorted(LESS)), kept=st.integers(0, 2))
def test_less_evidence_never_means_more_trust(evidence: Evidence, removed: str, kept: int) -> None:
    change: dict[str, Any] = {removed: LESS[removed]}
    if removed == "signatures":
        change = {"signatures": evidence.signatures[:kept]}
    whole, part = judged(mail(), evidence), judged(mail(), evidence, **change)
    assert RANK[part.judgement.trust.value] <= RANK[whole.judgement.trust.value]


@settings(max_examples=200)
@given(evidence=EVIDENCE)
def test_evidence_survives_being_stored(evidence: Evidence) -> None:
    stored = Evidence.from_json(evidence.to_json())
    assert stored == evidence
    assert judged(mail(), stored) == judged(mail(), evidence)


@settings(max_examples=300)
@given(data=st.data())
def test_no_bytes_make_it_raise_and_none_are_trusted_without_proof(data: st.DataObject) -> None:
    raw = bytearray(mail())
    for _ in range(data.draw(st.integers(0, 8))):
        place = data.draw(st.integers(0, len(raw)))
        raw[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=6))
    for mutated in (bytes(raw), data.draw(st.binary(max_size=300))):
        outcome = judge_mail(mutated, Evidence(), VIEW, NOW + timedelta(seconds=1))
        assert outcome.judgement.trust.value in {"rejected", "not_applicable"}
        assert outcome.judgement.reason
