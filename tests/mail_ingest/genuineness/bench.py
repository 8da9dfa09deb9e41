"""One mail's whole way: evidence over DNS, then the verdict."""

from dataclasses import dataclass
from datetime import datetime

from mail_ingest.genuineness.evidence import Evidence
from mail_ingest.genuineness.resolver import Resolver
from mail_ingest.genuineness.verify import Transport, gather
from mail_ingest.judging import ConnectionView, Outcome, judge_mail
from tests.mail_ingest.genuineness.signing import BANK_IP, NOW, OTHER_IP
from tests.mail_ingest.zone import Zone

VIEW = ConnectionView(("1111111111/2010",), "CZK", ("owner@shop.example",))


@dataclass
class Bench:
    zone: Zone
    resolver: Resolver

    async def delivered(
        self,
        raw: bytes,
        *,
        ip: str = BANK_IP,
        sender: str = "automat@fio.cz",
        at: datetime = NOW,
        view: ConnectionView = VIEW,
    ) -> Outcome:
        """Judge a mail that this address delivered with this envelope."""
        evidence = await gather(raw, Transport(ip, "mx.example", sender), self.resolver)
        again = Evidence.from_json(evidence.to_json())
        outcome = judge_mail(raw, evidence, view, at)
        # What is stored says exactly what was found.
        assert judge_mail(raw, again, view, at) == outcome
        return outcome

    async def forwarded(self, raw: bytes, *, at: datetime = NOW) -> Outcome:
        """Judge a mail that somebody else's server delivered with an envelope of its own."""
        return await self.delivered(raw, ip=OTHER_IP, sender="x+caf_=y@forwarder.example", at=at)


def verdict(outcome: Outcome) -> tuple[str, str]:
    return outcome.judgement.trust.value, outcome.judgement.action.value


TRUSTED = ("trusted", "match")
WEAK = ("weak", "review")
REJECTED = ("rejected", "quarantine")
