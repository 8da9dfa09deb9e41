"""Gathering evidence about hostile mail: it never raises, never hangs, never believes."""

import asyncio
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from mail_ingest.genuineness.evidence import Evidence
from mail_ingest.genuineness.resolver import Record, RecordKind, Resolver, TemporaryFailure
from mail_ingest.genuineness.verify import Transport, gather
from mail_ingest.judging import judge_mail
from tests.mail_ingest.genuineness.bench import VIEW
from tests.mail_ingest.genuineness.signing import NOW, OTHER_IP, mail, rsa_key, signed

ANSWERS: Final = (
    b"v=spf1 include:%{d}.x.example exists:%{l}.%{i}.y.example mx ptr a -all",
    b"v=spf1 redirect=%{d2}", b"v=spf1 " + b"include:a.example " * 30, b"v=spf1 ip4:999.1.1.1",
    b"v=DMARC1; p=reject; aspf=s", b"v=DMARC1", b"v=DKIM1; p=", rsa_key(1024).record.encode(),
    b"\xff\xfe=;;=", b"", b"v=DKIM1; k=ed25519; p=AAAA",
)  # fmt: skip


class _Hostile(Resolver):
    """Every name is answered by whoever owns it: an attacker."""

    def __init__(self, answers: list[bytes | None]) -> None:
        super().__init__([("127.0.0.1", 1)])
        self._answers = answers

    async def _ask(self, name: str, kind: RecordKind) -> tuple[float, tuple[Record, ...]]:
        # The bank's own DNS is not the attacker's.
        if name.endswith("fio.cz"):
            return 60.0, (b"v=spf1 -all",) if name == "fio.cz" else ()
        answer = self._answers[hash((name, kind)) % len(self._answers)]
        if answer is None:
            raise TemporaryFailure(name)
        return 60.0, (answer if kind is RecordKind.TXT else OTHER_IP,)


TAGS = st.lists(
    st.tuples(
        st.sampled_from(["v", "a", "b", "bh", "c", "d", "h", "i", "l", "s", "t", "x", "cv", "q"]),
        st.sampled_from([
            "1", "0", "rsa-sha256", "ed25519-sha256", "rsa-sha1", "fio.cz", "google.com",
            "evil.example", "relaxed/relaxed", "simple", "from:to:subject", "none", "pass", "AAAA",
            "99999999999", "-1", "", " ", "é", "dns/txt",
        ]),
    ),
    max_size=14,
).map(lambda tags: "; ".join(f"{name}={value}" for name, value in tags))  # fmt: skip
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([
            "DKIM-Signature", "ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results",
            "Authentication-Results", "From", "Received",
        ]),
        st.one_of(TAGS, st.text(st.characters(exclude_characters="\r\n\0"), max_size=30)),
    ),
    max_size=6,
)  # fmt: skip
SENDERS = st.one_of(
    st.sampled_from(["", "x@evil.example", "automat@fio.cz", "@", "a@b@c", '"@fio.cz"@x.example']),
    st.text(max_size=30),
)


@settings(max_examples=400)
@given(
    headers=HEADERS,
    sender=SENDERS,
    helo=st.sampled_from(["", "fio.cz", "x", "[1.2.3.4]", "é"]),
    answers=st.lists(st.sampled_from([None, *ANSWERS]), min_size=1, max_size=5),
)
def test_an_attacker_s_mail_and_dns_prove_nothing(
    headers: list[tuple[str, str]], sender: str, helo: str, answers: list[bytes | None]
) -> None:
    block = "".join(f"{name}: {value}\r\n" for name, value in headers).encode("utf-8", "replace")
    raw = block + mail()
    evidence = asyncio.run(gather(raw, Transport(OTHER_IP, helo, sender), _Hostile(answers)))
    assert Evidence.from_json(evidence.to_json()) == evidence
    assert judge_mail(raw, evidence, VIEW, NOW).judgement.trust.value == "rejected"


@settings(max_examples=150)
@given(data=st.data())
def test_no_change_to_a_mail_of_which_nothing_is_proven_helps(data: st.DataObject) -> None:
    raw = bytearray(signed(mail(), rsa_key(), domain="evil.example"))
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(raw)))
        raw[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    hostile = _Hostile([rsa_key().record.encode()])
    transport = Transport(OTHER_IP, "evil.example", "x@evil.example")
    evidence = asyncio.run(gather(bytes(raw), transport, hostile))
    outcome = judge_mail(bytes(raw), evidence, VIEW, NOW)
    assert outcome.judgement.trust.value in {"rejected", "weak", "not_applicable"}
    assert outcome.judgement.action.value != "match"
