"""DMARC (RFC 7489): whether what was proven belongs to the domain that the reader sees.

Only the evaluation; nothing is reported to anybody.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mail_ingest.genuineness.addresses import aligned, organisation
from mail_ingest.genuineness.resolver import Resolver, TemporaryFailure
from mail_ingest.genuineness.results import DmarcResult, SpfCheck, SpfResult
from mail_ingest.genuineness.signature import Signature, Verified

RECORD_BYTES_MAX: Final = 1_024
POLICIES: Final = ("none", "quarantine", "reject")

_RECORD = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class DmarcPolicy:
    """What a domain publishes, as far as it matters to one From domain."""

    policy: str
    strict_spf: bool
    strict_dkim: bool


@dataclass(frozen=True, slots=True)
class DmarcCheck:
    """The result, the policy in force ("" where there is none), and why."""

    result: DmarcResult
    policy: str
    reason: str
    spf_aligned: bool


async def find_policy(domain: str, resolver: Resolver) -> DmarcPolicy | None:
    """Find a From domain's policy: its own or its organisation's. Raises TemporaryFailure."""
    own = _parsed(await resolver.text(f"_dmarc.{domain}"), subdomain=False)
    parent = organisation(domain)
    if own is not None or parent == domain:
        return own
    return _parsed(await resolver.text(f"_dmarc.{parent}"), subdomain=True)


async def check_dmarc(
    domain: str, spf: SpfCheck, signatures: Sequence[Signature], resolver: Resolver
) -> DmarcCheck:
    """Evaluate SPF and the signatures that verified against the From domain's policy."""
    try:
        policy = await find_policy(domain, resolver)
    except TemporaryFailure as failure:
        return DmarcCheck(
            DmarcResult.TEMPERROR, "", str(failure), spf_aligned=aligned(domain, spf.domain)
        )
    strict_spf = policy is not None and policy.strict_spf
    strict_dkim = policy is not None and policy.strict_dkim
    spf_aligned = aligned(domain, spf.domain, strict=strict_spf)
    if policy is None:
        reason = f"{domain} publishes no policy"
        return DmarcCheck(DmarcResult.NONE, "", reason, spf_aligned=spf_aligned)
    own = [each for each in signatures if aligned(domain, each.domain, strict=strict_dkim)]
    if spf_aligned and spf.result is SpfResult.PASS:
        result, reason = DmarcResult.PASS, f"SPF passes for {spf.domain}"
    elif any(each.verified is Verified.PASS for each in own):
        result, reason = DmarcResult.PASS, "a signature of the From domain verifies"
    elif (spf_aligned and spf.result is SpfResult.TEMPERROR) or any(
        each.verified is Verified.TEMPERROR for each in own
    ):
        result, reason = DmarcResult.TEMPERROR, "what it depends on could not be looked up"
    else:
        result, reason = DmarcResult.FAIL, f"neither SPF nor a signature proves {domain}"
    return DmarcCheck(result, policy.policy, reason, spf_aligned=spf_aligned)


def _parsed(records: Sequence[bytes], *, subdomain: bool) -> DmarcPolicy | None:
    found = [record for record in records if _RECORD.match(record)]
    if len(found) != 1 or len(found[0]) > RECORD_BYTES_MAX:
        return None  # RFC 7489 §6.6.3: several records are none
    tags: dict[str, str] = {}
    for part in found[0].decode("ascii", "replace").split(";"):
        name, _, value = part.partition("=")
        tags.setdefault(name.strip().lower(), value.strip().lower())
    policy = tags.get("sp", "") if subdomain else ""
    policy = policy if policy in POLICIES else tags.get("p", "")
    return DmarcPolicy(
        policy=policy if policy in POLICIES else "none",
        strict_spf=tags.get("aspf") == "s",
        strict_dkim=tags.get("adkim") == "s",
    )
