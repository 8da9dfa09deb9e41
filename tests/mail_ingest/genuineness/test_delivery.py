"""What the delivering address proves: SPF, DMARC, forwarding, and DNS that does not answer."""

import asyncio

import pytest

from mail_ingest.genuineness.resolver import RecordKind, Resolver, TemporaryFailure
from mail_ingest.genuineness.spf import check_spf
from mail_ingest.genuineness.verify import Transport, gather
from tests.mail_ingest.genuineness.bench import REJECTED, TRUSTED, WEAK, Bench, verdict
from tests.mail_ingest.genuineness.signing import BANK_IP, OTHER_IP, mail, rsa_key, signed
from tests.mail_ingest.zone import Zone, serving


async def test_the_bank_s_own_address_is_trusted_without_any_signature(bench: Bench) -> None:
    outcome = await bench.delivered(mail())
    assert verdict(outcome) == TRUSTED
    assert "SPF passes for fio.cz" in outcome.judgement.reason


async def test_the_same_bytes_from_another_address_are_rejected(bench: Bench) -> None:
    outcome = await bench.delivered(mail(), ip=OTHER_IP)
    assert verdict(outcome) == REJECTED
    assert outcome.kind == "forged"
    assert outcome.movements == ()


async def test_spf_of_the_attacker_s_own_domain_proves_nothing(bench: Bench) -> None:
    bench.zone.txt("evil.example", f"v=spf1 ip4:{OTHER_IP} -all")
    outcome = await bench.delivered(mail(), ip=OTHER_IP, sender="x@evil.example")
    assert verdict(outcome) == REJECTED


async def test_without_a_dmarc_record_spf_still_proves(bench: Bench) -> None:
    del bench.zone.records["_dmarc.fio.cz", "TXT"]
    assert verdict(await bench.delivered(mail())) == TRUSTED
    assert verdict(await bench.delivered(mail(), ip=OTHER_IP)) == REJECTED


async def test_relaxed_alignment_takes_a_subdomain(bench: Bench) -> None:
    bench.zone.txt("mail.fio.cz", f"v=spf1 ip4:{BANK_IP} -all")
    assert verdict(await bench.delivered(mail(), sender="x@mail.fio.cz")) == TRUSTED


async def test_strict_alignment_refuses_a_subdomain(bench: Bench) -> None:
    bench.zone.txt("mail.fio.cz", f"v=spf1 ip4:{BANK_IP} -all")
    bench.zone.txt("_dmarc.fio.cz", "v=DMARC1; p=reject; aspf=s; adkim=s")
    assert verdict(await bench.delivered(mail(), sender="x@mail.fio.cz")) == REJECTED
    bench.zone.txt("s1._domainkey.mail.fio.cz", rsa_key().record)
    raw = signed(mail(), rsa_key(), domain="mail.fio.cz")
    assert verdict(await bench.forwarded(raw)) == REJECTED


async def test_forwarding_with_the_envelope_kept_needs_a_signature(bench: Bench) -> None:
    assert verdict(await bench.delivered(mail(), ip=OTHER_IP)) == REJECTED
    assert verdict(await bench.delivered(signed(mail(), rsa_key()), ip=OTHER_IP)) == TRUSTED


async def test_forwarding_with_the_envelope_rewritten_needs_a_signature(bench: Bench) -> None:
    bench.zone.txt("forwarder.example", f"v=spf1 ip4:{OTHER_IP} -all")
    assert verdict(await bench.forwarded(mail())) == REJECTED
    assert verdict(await bench.forwarded(signed(mail(), rsa_key()))) == TRUSTED


async def test_forwarding_that_appends_a_footer_loses_the_proof(bench: Bench) -> None:
    raw = signed(mail(), rsa_key()) + b"-- \r\nSent through a list\r\n"
    assert verdict(await bench.forwarded(raw)) == REJECTED


async def test_injected_results_are_shown_and_not_believed(bench: Bench) -> None:
    injected = (
        b"Authentication-Results: mx.pay.example; spf=pass smtp.mailfrom=fio.cz;"
        b" dkim=pass header.d=fio.cz; dmarc=pass header.from=fio.cz\r\n"
    )
    outcome = await bench.delivered(injected + mail(), ip=OTHER_IP)
    assert verdict(outcome) == REJECTED
    assert any("not believed" in each for each in outcome.judgement.findings)
    assert verdict(await bench.delivered(injected + mail())) == TRUSTED


@pytest.mark.parametrize("how", ["silent", "failing"])
@pytest.mark.parametrize("name", ["fio.cz", "_dmarc.fio.cz"])
async def test_dns_without_an_answer_is_asked_again_and_never_trusted(
    bench: Bench, how: str, name: str
) -> None:
    getattr(bench.zone, how).add(name)
    outcome = await bench.delivered(mail())
    assert verdict(outcome) == WEAK
    assert outcome.judgement.retry
    getattr(bench.zone, how).clear()
    again = await bench.delivered(mail())
    assert verdict(again) == TRUSTED
    assert not again.judgement.retry


@pytest.mark.parametrize("how", ["silent", "failing"])
async def test_a_key_without_an_answer_is_asked_again(bench: Bench, how: str) -> None:
    getattr(bench.zone, how).add("s1._domainkey.fio.cz")
    outcome = await bench.forwarded(signed(mail(), rsa_key()))
    assert verdict(outcome) == WEAK
    assert outcome.judgement.retry


async def test_an_attacker_s_silent_dns_does_not_soften_the_verdict(bench: Bench) -> None:
    bench.zone.silent.update({"forwarder.example", "s1._domainkey.evil.example"})
    raw = signed(mail(), rsa_key(), domain="evil.example")
    outcome = await bench.forwarded(raw)
    assert verdict(outcome) == REJECTED


async def test_the_whole_gathering_keeps_its_deadline(zone: Zone, resolver: Resolver) -> None:
    zone.silent.update({"fio.cz", "s1._domainkey.fio.cz", "_dmarc.fio.cz"})
    started = asyncio.get_running_loop().time()
    evidence = await gather(
        signed(mail(), rsa_key()),
        Transport(BANK_IP, "x", "automat@fio.cz"),
        resolver,
        deadline_seconds=0.1,
    )
    assert asyncio.get_running_loop().time() - started < 2
    found = (evidence.spf.value, evidence.dmarc and evidence.dmarc.value)
    assert found == ("temperror", "temperror")
    assert [each.verified.value for each in evidence.signatures] == ["temperror"]


@pytest.mark.parametrize(
    ("records", "result"),
    [
        ({"a.example": "v=spf1 ip4:192.0.2.0/24 -all"}, "pass"),
        ({"a.example": "v=spf1 include:b.example -all", "b.example": "v=spf1 +all"}, "pass"),
        ({"a.example": "v=spf1 redirect=b.example", "b.example": "v=spf1 -all"}, "fail"),
        ({"a.example": "v=spf1 ~all"}, "softfail"),
        ({"a.example": "v=spf1 ?all"}, "neutral"),
        ({"a.example": "something else"}, "none"),
        ({}, "none"),
        ({"a.example": "v=spf1 include:nowhere.example -all"}, "permerror"),
        ({"a.example": "v=spf1 magic -all"}, "permerror"),
        ({"a.example": "v=spf1 include:a.example -all"}, "permerror"),
        ({"a.example": "v=spf1 exists:x1.a.example exists:x2.a.example a:x3.a.example -all"},
         "permerror"),
    ],
)  # fmt: skip
async def test_spf(zone: Zone, resolver: Resolver, records: dict[str, str], result: str) -> None:
    for name, text in records.items():
        zone.txt(name, text)
    check = await check_spf(BANK_IP, "helo.example", "x@a.example", resolver)
    assert check.result.value == result, check


async def test_spf_by_hosts_and_mail_servers(zone: Zone, resolver: Resolver) -> None:
    zone.txt("a.example", "v=spf1 a mx:b.example exp=why.a.example -all")
    zone.txt("why.a.example", "because")
    zone.add("A", "a.example", "203.0.113.1")
    zone.add("MX", "b.example", "10 mx.b.example.")
    zone.add("A", "mx.b.example", BANK_IP)
    assert (await check_spf(BANK_IP, "h", "x@a.example", resolver)).result.value == "pass"
    refused = await check_spf(OTHER_IP, "h", "x@a.example", resolver)
    assert (refused.result.value, "because" in refused.reason) == ("fail", False)
    assert zone.asked["why.a.example"] == 0


async def test_a_forest_of_includes_ends(zone: Zone, resolver: Resolver) -> None:
    for number in range(200):
        following = " ".join(f"include:n{number * 3 + each}.example" for each in (1, 2, 3))
        zone.txt(f"n{number}.example", f"v=spf1 {following} -all")
    check = await check_spf(BANK_IP, "h", "x@n0.example", resolver)
    assert check.result.value == "permerror"
    assert sum(zone.asked.values()) <= 40


async def test_a_record_longer_than_a_datagram_comes_over_tcp(
    zone: Zone, resolver: Resolver
) -> None:
    zone.txt("a.example", "v=spf1 " + "ip4:203.0.113.7 " * 200 + f"ip4:{BANK_IP} -all")
    assert (await check_spf(BANK_IP, "h", "x@a.example", resolver)).result.value == "pass"


async def test_an_envelope_with_two_at_signs_speaks_for_its_last_part(
    zone: Zone, resolver: Resolver
) -> None:
    zone.txt("evil.example", "v=spf1 -all")
    check = await check_spf(BANK_IP, "h", '"x@fio.cz"@evil.example', resolver)
    assert (check.domain, check.result.value) == ("evil.example", "fail")
    nobody = await check_spf(BANK_IP, "fio.cz", "", resolver)
    assert (nobody.domain, nobody.result.value) == ("fio.cz", "pass")
    unknown = await check_spf("unknown", "fio.cz", "x@fio.cz", resolver)
    assert unknown.result.value == "none"


async def test_answers_are_kept_as_long_as_they_say(zone: Zone) -> None:
    now = [0.0]
    zone.ttl_seconds = 30
    async with serving(zone) as server:
        resolver = Resolver([server], clock=lambda: now[0])
        for moment, asked in ((0.0, 1), (29.0, 1), (31.0, 2)):
            now[0] = moment
            assert await resolver.text("fio.cz")
            assert zone.asked["fio.cz"] == asked


async def test_what_is_no_name_is_absent_and_what_is_silent_is_not(
    zone: Zone, resolver: Resolver
) -> None:
    for name in ("", "a..b", "x" * 70 + ".example", "nothing.example", "\udcff.example"):
        assert await resolver.text(name) == ()
    zone.failing.add("fio.cz")
    with pytest.raises(TemporaryFailure):
        await resolver.lookup("fio.cz", RecordKind.TXT)
