"""Gathers the evidence about a mail: the only step that asks DNS."""

import asyncio
import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from mail_ingest.genuineness.addresses import Sender, SenderError, domain_of, sender_of
from mail_ingest.genuineness.arc import check_arc
from mail_ingest.genuineness.dkim import check_signatures
from mail_ingest.genuineness.dmarc import DmarcCheck, check_dmarc
from mail_ingest.genuineness.evidence import Evidence
from mail_ingest.genuineness.profiles import Profiles, known_profiles
from mail_ingest.genuineness.resolver import Resolver
from mail_ingest.genuineness.results import ArcCheck, DmarcResult, SpfCheck, SpfResult
from mail_ingest.genuineness.signature import Signature, Verified
from mail_ingest.genuineness.spf import check_spf
from mail_ingest.message.headers import Header, MessageError, split, values

DEADLINE_SECONDS: Final = 15.0
CLAIMS_MAX: Final = 5
CLAIM_LENGTH_MAX: Final = 200

_FORWARDED: Final = (
    "X-Forwarded-To",
    "X-Forwarded-For",
    "Resent-From",
    "Resent-To",
    "ARC-Seal",
)
_SIGNED_BY_SMIME = re.compile(rb"pkcs7-signature", re.IGNORECASE)

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Transport:
    """How the mail came: the address that delivered it, its HELO, the envelope's sender."""

    client_ip: str
    helo: str
    envelope_from: str


async def gather(
    raw: bytes,
    transport: Transport,
    resolver: Resolver,
    *,
    profiles: Profiles | None = None,
    deadline_seconds: float = DEADLINE_SECONDS,
) -> Evidence:
    """Find out what proves the mail's sender, within the deadline.

    What is not answered in time is a temporary error in the evidence, never a
    pass. Bytes that are no mail give evidence that proves nothing.
    """
    try:
        headers, body = split(raw)
    except MessageError as error:
        return Evidence(
            client_ip=transport.client_ip,
            helo=transport.helo,
            mail_from=transport.envelope_from,
            notes=(f"it can't be read as a mail: {error}",),
        )
    profiles = profiles or known_profiles()
    spf, signatures, arc = await asyncio.gather(
        _within(
            check_spf(transport.client_ip, transport.helo, transport.envelope_from, resolver),
            SpfCheck(SpfResult.TEMPERROR, domain_of(transport.envelope_from), "DNS took too long"),
            deadline_seconds,
        ),
        _within(
            check_signatures(raw, headers, body, resolver), _unchecked(headers), deadline_seconds
        ),
        _within(
            check_arc(raw, headers, profiles.sealers, resolver),
            ArcCheck("temperror"),
            deadline_seconds,
        ),
    )
    dmarc = await _dmarc(headers, spf, signatures, resolver, deadline_seconds)
    proven_directly = spf.result is SpfResult.PASS and dmarc.spf_aligned
    return Evidence(
        client_ip=transport.client_ip,
        helo=transport.helo,
        mail_from=transport.envelope_from,
        forwarded=not proven_directly and any(values(headers, name) for name in _FORWARDED),
        spf=spf.result,
        spf_domain=spf.domain,
        spf_reason=spf.reason,
        spf_aligned=dmarc.spf_aligned,
        signatures=signatures,
        dmarc=dmarc.result,
        dmarc_policy=dmarc.policy,
        dmarc_reason=dmarc.reason,
        arc=arc,
        smime=_smime(headers),
        notes=_claims(headers),
    )


async def _within(work: Awaitable[Result], otherwise: Result, seconds: float) -> Result:
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        return otherwise


def _unchecked(headers: Sequence[Header]) -> tuple[Signature, ...]:
    """Signatures whose keys did not come in time, of whomever they are."""
    if not values(headers, "DKIM-Signature"):
        return ()
    try:
        domain = sender_of(headers).domain
    except SenderError:
        domain = ""
    return (Signature(domain, Verified.TEMPERROR, reason="DNS took too long"),)


async def _dmarc(
    headers: Sequence[Header],
    spf: SpfCheck,
    signatures: Sequence[Signature],
    resolver: Resolver,
    seconds: float,
) -> DmarcCheck:
    try:
        sender: Sender = sender_of(headers)
    except SenderError as error:
        return DmarcCheck(DmarcResult.FAIL, "", str(error), spf_aligned=False)
    late = DmarcCheck(DmarcResult.TEMPERROR, "", "DNS took too long", spf_aligned=False)
    return await _within(check_dmarc(sender.domain, spf, signatures, resolver), late, seconds)


def _smime(headers: Sequence[Header]) -> str:
    types = values(headers, "Content-Type")
    return "present, not checked" if any(_SIGNED_BY_SMIME.search(each) for each in types) else ""


def _claims(headers: Sequence[Header]) -> tuple[str, ...]:
    """Results that the mail brought with it: shown, never believed."""
    return tuple(
        "the mail brought results of its own, which are not believed: "
        + value[:CLAIM_LENGTH_MAX].decode("ascii", "replace")
        for value in values(headers, "Authentication-Results")[:CLAIMS_MAX]
    )
