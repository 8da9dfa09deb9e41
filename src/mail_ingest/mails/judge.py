"""Judging one mail: evidence is gathered, then it is read and judged, away from the event loop."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mail_ingest.banks.reading import Confirmation, Kind, Movement
from mail_ingest.genuineness.evidence import Evidence, EvidenceError
from mail_ingest.genuineness.resolver import Resolver
from mail_ingest.genuineness.verdict import Action, Trust
from mail_ingest.genuineness.verify import Transport, gather
from mail_ingest.judging import ConnectionView, Outcome, judge_mail
from mail_ingest.mails.model import StoredMail
from mail_ingest.mails.movements import payment_message
from spojka.api.mail.v1 import events_pb2, mail_service_pb2

LARGE_BYTES: Final = 32_768
"""From here on a mail is read in a thread, so that it does not hold up the others."""

DNS_PATIENCE: Final = timedelta(hours=24)
"""How long after its arrival a mail waits for DNS that does not answer."""

_TRUSTS: Final = {
    Trust.TRUSTED: events_pb2.TRUST_TRUSTED,
    Trust.WEAK: events_pb2.TRUST_WEAK,
    Trust.REJECTED: events_pb2.TRUST_REJECTED,
    Trust.NOT_APPLICABLE: events_pb2.TRUST_UNSPECIFIED,
}
_UNREAD: Final = frozenset({Kind.UNKNOWN, Kind.UNREADABLE})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was made of a mail, ready to be stored.

    `value` is what people see; `evidence` JSON, None where none was gathered.
    `retry`: DNS was silent, and the mail is to be judged again.
    """

    state: mail_service_pb2.MailState.ValueType
    trust: events_pb2.Trust.ValueType
    action: Action
    reason: str
    value: mail_service_pb2.Mail
    movements: Sequence[Movement] = ()
    complete: bool = False
    sender_domain: str = ""
    provider: str = ""
    evidence: str | None = None
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges mails by what DNS says of their senders."""

    resolver: Resolver
    max_age_days: int

    async def judge(self, mail: StoredMail) -> Verdict:
        """Gather evidence anew and judge by it."""
        row = mail.row
        transport = Transport(row.client_ip, row.helo, row.envelope_from)
        evidence = await gather(mail.raw, transport, self.resolver)
        return await self._judge_by(mail, evidence)

    async def judge_again(self, mail: StoredMail) -> Verdict:
        """Judge by the evidence that was kept, as far as it is whole; else gather it anew."""
        if mail.evidence is not None:
            try:
                kept = Evidence.from_json(json.loads(mail.evidence))
            except EvidenceError:
                # It was written by an earlier version.
                return await self.judge(mail)
            verdict = await self._judge_by(mail, kept)
            if not verdict.retry:
                return verdict
        return await self.judge(mail)

    async def _judge_by(self, mail: StoredMail, evidence: Evidence) -> Verdict:
        view = ConnectionView(
            accounts=(mail.account.account_key,),
            currency=mail.account.currency,
            mailboxes=mail.account.mailboxes,
            max_age_days=self.max_age_days,
        )
        arguments = (mail.raw, evidence, view, mail.row.receive_time)
        if len(mail.raw) < LARGE_BYTES:
            outcome = judge_mail(*arguments)
        else:
            outcome = await asyncio.to_thread(judge_mail, *arguments)
        patient = datetime.now(UTC) - mail.row.receive_time < DNS_PATIENCE
        return _verdict(outcome, evidence, retry=outcome.judgement.retry and patient)


def broken_verdict(reason: str) -> Verdict:
    """What is written down of a mail that can't be judged: a person looks at it."""
    return Verdict(
        state=mail_service_pb2.MAIL_STATE_UNREADABLE,
        trust=events_pb2.TRUST_UNSPECIFIED,
        action=Action.REVIEW,
        reason=reason,
        value=mail_service_pb2.Mail(
            kind=Kind.UNREADABLE.value, action=Action.REVIEW.value, trust_reason=reason
        ),
    )


def _verdict(outcome: Outcome, evidence: Evidence, *, retry: bool) -> Verdict:
    judgement, reading = outcome.judgement, outcome.reading
    value = mail_service_pb2.Mail(
        subject=_clean(outcome.subject),
        message_id=_clean(outcome.message_id),
        bank=outcome.bank or "",
        template=reading.template or "",
        kind=outcome.kind,
        action=judgement.action.value,
        trust_reason=_clean(judgement.reason),
        payments=[payment_message(movement) for movement in outcome.movements],
        evidence=[_clean(line) for line in (*_findings(evidence), *judgement.findings)],
        confirmation=_clean(_shown(reading.confirmation)),
    )
    return Verdict(
        state=_state(outcome),
        trust=_TRUSTS[judgement.trust],
        action=judgement.action,
        reason=value.trust_reason,
        value=value,
        movements=outcome.movements,
        complete=reading.complete,
        sender_domain=outcome.sender_domain,
        provider=(reading.confirmation and reading.confirmation.provider) or "",
        evidence=json.dumps(evidence.to_json()),
        retry=retry,
    )


def _state(outcome: Outcome) -> mail_service_pb2.MailState.ValueType:
    if outcome.judgement.action is Action.SHOW_TO_USER:
        return mail_service_pb2.MAIL_STATE_CONFIRMATION
    if outcome.judgement.trust is Trust.REJECTED:
        return mail_service_pb2.MAIL_STATE_QUARANTINED
    if outcome.reading.kind in _UNREAD:
        return mail_service_pb2.MAIL_STATE_UNREADABLE
    return mail_service_pb2.MAIL_STATE_READ


def _findings(evidence: Evidence) -> list[str]:
    """What was found out, a line for each method."""
    spf = f"SPF of {evidence.spf_domain or 'nobody'} for {evidence.client_ip}: {evidence.spf.value}"
    lines = [f"{spf} ({evidence.spf_reason})" if evidence.spf_reason else spf]
    if evidence.spf_domain:
        lines[0] += ", aligned with From" if evidence.spf_aligned else ", not aligned with From"
    for signature in evidence.signatures:
        reason = f" ({signature.reason})" if signature.reason else ""
        lines.append(f"DKIM of {signature.domain}: {signature.verified.value}{reason}")
    if not evidence.signatures:
        lines.append("DKIM: there is no signature")
    if evidence.dmarc is not None:
        reason = f" ({evidence.dmarc_reason})" if evidence.dmarc_reason else ""
        lines.append(f"DMARC: {evidence.dmarc.value}{reason}")
    lines.append(f"ARC: {evidence.arc}")
    return lines


def _shown(confirmation: Confirmation | None) -> str:
    if confirmation is None:
        return ""
    return " ".join(part for part in (confirmation.code, confirmation.link) if part)


def _clean(text: str) -> str:
    """Text that a message of the contracts can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")
