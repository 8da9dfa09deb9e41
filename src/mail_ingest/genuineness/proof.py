"""What the evidence proves about a sender: pure, and closed wherever it is silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

from mail_ingest.genuineness.addresses import Sender, aligned, within
from mail_ingest.genuineness.evidence import Evidence
from mail_ingest.genuineness.profiles import Profile, Profiles
from mail_ingest.genuineness.results import DmarcResult, SpfResult
from mail_ingest.genuineness.signature import Quality, Rating, Signature, rate
from mail_ingest.message.headers import Header

_WORTH: Final = {Quality.FAIL: 0, Quality.TEMPERROR: 0, Quality.WEAK: 1, Quality.OK: 2}


class Level(IntEnum):
    """How far a sender is proven; more is higher."""

    NOTHING = 0
    WEAK = 1
    PROVEN = 2


@dataclass(frozen=True, slots=True)
class Proof:
    """How far the sender is proven, in a sentence, and whether asking again may help."""

    level: Level
    reason: str
    retry: bool = False


@dataclass(frozen=True, slots=True)
class Rated:
    """A signature and its worth on this mail."""

    signature: Signature
    rating: Rating


def rated_signatures(
    evidence: Evidence, headers: Sequence[Header], receive_time: datetime
) -> tuple[Rated, ...]:
    """Rate every signature of the evidence on this mail."""
    return tuple(Rated(each, rate(each, headers, receive_time)) for each in evidence.signatures)


def prove_bank(
    evidence: Evidence,
    rated: Sequence[Rated],
    sender: Sender,
    profile: Profile,
    profiles: Profiles,
) -> Proof:
    """Say how far a mail with a bank's sender is proven to be that bank's (sheet §9.4)."""
    own = [
        each
        for each in rated
        if aligned(each.signature.domain, sender.domain)
        and any(within(each.signature.domain, signer) for signer in profile.signers)
    ]
    proven = _proven(evidence, own, sender, profile)
    if evidence.dmarc is DmarcResult.FAIL:
        return _vouched(evidence, sender, profiles) or Proof(
            Level.NOTHING, f"DMARC fails: nothing proves that {sender.domain} sent it."
        )
    if evidence.dmarc is None:
        return Proof(Level.NOTHING, f"There is no result of DMARC for {sender.domain}.")
    if proven and evidence.dmarc in {DmarcResult.PASS, DmarcResult.NONE}:
        return Proof(Level.PROVEN, proven)
    if postponed := _postponed(evidence, own, sender):
        return Proof(Level.WEAK, postponed, retry=True)
    if weak := _weakly_signed(own):
        return Proof(Level.WEAK, weak)
    return _vouched(evidence, sender, profiles) or Proof(
        Level.NOTHING,
        f"Nothing proves that {sender.domain} sent it: {_spf_sentence(evidence)}, "
        f"and {_dkim_sentence(own)}.",
        retry=evidence.arc.result == "temperror",
    )


def prove_domain(evidence: Evidence, rated: Sequence[Rated], sender: Sender) -> Proof:
    """Say whether a sender that is no bank's is at least who it says it is."""
    if evidence.dmarc is DmarcResult.FAIL:
        return Proof(Level.NOTHING, f"DMARC fails: nothing proves that {sender.domain} sent it.")
    if evidence.dmarc is None:
        return Proof(Level.NOTHING, f"There is no result of DMARC for {sender.domain}.")
    own = [each for each in rated if aligned(each.signature.domain, sender.domain)]
    if _spf_proves(evidence, sender) or _best(own) is not None:
        return Proof(Level.WEAK, f"{sender.domain} sent it.")
    if postponed := _postponed(evidence, own, sender):
        return Proof(Level.NOTHING, postponed, retry=True)
    return Proof(
        Level.NOTHING,
        f"Nothing proves that {sender.domain} sent it: {_spf_sentence(evidence)}, "
        f"and {_dkim_sentence(own)}.",
    )


def _proven(
    evidence: Evidence, own: Sequence[Rated], sender: Sender, profile: Profile
) -> str | None:
    if not evidence.forwarded and _spf_proves(evidence, sender):
        return f"The bank delivered it itself: SPF passes for {evidence.spf_domain}."
    best = _best(own)
    if best is None or _WORTH[best.rating.quality] < _WORTH[profile.least_signature]:
        return None
    return f"The bank signed it: the DKIM signature of {best.signature.domain} is good."


def _spf_proves(evidence: Evidence, sender: Sender) -> bool:
    # The flag and the domains must both say so: evidence may have been written by hand.
    return (
        evidence.spf is SpfResult.PASS
        and evidence.spf_aligned
        and aligned(evidence.spf_domain, sender.domain)
    )


def _best(own: Sequence[Rated]) -> Rated | None:
    usable = [each for each in own if _WORTH[each.rating.quality]]
    return max(usable, key=lambda each: _WORTH[each.rating.quality], default=None)


def _weakly_signed(own: Sequence[Rated]) -> str | None:
    best = _best(own)
    if best is None:
        return None
    return (
        f"The DKIM signature of {best.signature.domain} is weak: {'; '.join(best.rating.reasons)}."
    )


def _postponed(evidence: Evidence, own: Sequence[Rated], sender: Sender) -> str | None:
    """Say what of the sender's own DNS gave no answer; a stranger's DNS changes nothing."""
    if evidence.spf is SpfResult.TEMPERROR and aligned(evidence.spf_domain, sender.domain):
        return f"DNS gave no answer about SPF of {evidence.spf_domain}; it is asked again."
    if any(each.rating.quality is Quality.TEMPERROR for each in own):
        return f"DNS gave no answer about the key of {sender.domain}; it is asked again."
    if evidence.dmarc is DmarcResult.TEMPERROR:
        return f"DNS gave no answer about DMARC of {sender.domain}; it is asked again."
    return None


def _vouched(evidence: Evidence, sender: Sender, profiles: Profiles) -> Proof | None:
    arc = evidence.arc
    if (
        arc.result == "pass"
        and any(within(arc.sealer, sealer) for sealer in profiles.sealers)
        and arc.method
        and aligned(arc.domain, sender.domain)
    ):
        return Proof(
            Level.WEAK,
            f"It was forwarded; {arc.sealer} says that it saw {arc.method.upper()} pass "
            f"for {arc.domain}.",
        )
    return None


def _spf_sentence(evidence: Evidence) -> str:
    if evidence.spf is SpfResult.PASS:
        return f"it was delivered by {evidence.spf_domain or 'somebody else'}"
    return f"SPF says {evidence.spf.value}"


def _dkim_sentence(own: Sequence[Rated]) -> str:
    if not own:
        return "it has no signature of the sender"
    return f"its signature does not count ({'; '.join(own[0].rating.reasons)})"
