"""The verdict on a mail: how far it is trusted and what may be done with it. Pure.

The rules are the bank sheet's §9.4 and the first half of §9.6; what needs the
order book is judged where the payment arrives. Every branch says in one
sentence, for the merchant, why.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

from mail_ingest.banks.reading import Direction, Kind, Movement, Reading
from mail_ingest.genuineness.addresses import Sender, SenderError, repeated_headers, sender_of
from mail_ingest.genuineness.evidence import Evidence
from mail_ingest.genuineness.own_account import Comparison, compare_accounts
from mail_ingest.genuineness.profiles import Profile, Profiles
from mail_ingest.genuineness.proof import (
    Level,
    Proof,
    Rated,
    prove_bank,
    prove_domain,
    rated_signatures,
)
from mail_ingest.genuineness.signature import Quality, notes
from mail_ingest.message.headers import Header, text, values

FUTURE_MAX: Final = timedelta(days=1)

MONEYLESS: Final = frozenset({
    Kind.BALANCE_INFO, Kind.GATEWAY_NOTICE, Kind.CARD_HOLD, Kind.NOT_EXECUTED,
})  # fmt: skip
"""What tells of no money on the account."""

RECORDED: Final = frozenset({*MONEYLESS, Kind.OUTGOING_PAYMENT, Kind.CARD_PAYMENT, Kind.FEE})
"""What can pay no order: written down, and nothing else."""


class Trust(StrEnum):
    """How far a mail is proven to be the bank's."""

    TRUSTED = "trusted"
    WEAK = "weak"
    REJECTED = "rejected"
    NOT_APPLICABLE = "not_applicable"


class Action(StrEnum):
    """What may be done with a mail without a person."""

    MATCH = "match"
    REVIEW = "review"
    RECORD_ONLY = "record_only"
    QUARANTINE = "quarantine"
    SHOW_TO_USER = "show_to_user"


@dataclass(frozen=True, slots=True)
class Expected:
    """What the merchant's connection expects of a mail.

    `accounts` are its own accounts in normal form, None to leave them out of
    the judgement; `mailboxes` the merchant's confirmed addresses, in lower
    case, that mail may be forwarded from by hand.
    """

    accounts: tuple[str, ...] | None
    mailboxes: tuple[str, ...]
    receive_time: datetime
    max_age_days: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict. `retry`: DNS was silent, and the verdict may be better later.

    `bank` is the sender's, where its address is a listed one; `findings` are
    further sentences for people.
    """

    trust: Trust
    action: Action
    reason: str
    findings: tuple[str, ...] = ()
    bank: str | None = None
    retry: bool = False
    foreign_account: bool = False


def judge(
    evidence: Evidence,
    headers: Sequence[Header],
    reading: Reading,
    expected: Expected,
    profiles: Profiles,
    *,
    appended_to: str | None = None,
) -> Judgement:
    """Judge a mail by its evidence, its headers and what was read in it.

    `appended_to` is the domain whose signature ends before the body does, which
    the bytes alone tell.
    """
    if reading.kind is Kind.ADDRESS_VERIFICATION:
        return Judgement(
            Trust.NOT_APPLICABLE,
            Action.SHOW_TO_USER,
            "It asks to confirm the address: a person decides, nothing is paid by it.",
        )
    rated = rated_signatures(evidence, headers, expected.receive_time)
    findings = (*reading.findings, *_signature_findings(rated), *evidence.notes)
    try:
        sender = sender_of(headers)
    except SenderError as error:
        return _rejected(f"It can't be said who sent it: {error}.", findings)
    profile = profiles.of_sender(sender)
    if reason := _forged_form(headers, rated, appended_to):
        return replace(_rejected(reason, findings), bank=profile.bank if profile else None)
    if profile is None:
        proof = _stranger(evidence, rated, sender, reading, expected, profiles)
        judgement = _decided(proof, None, reading, expected)
    else:
        proof = _bank(evidence, rated, sender, profile, reading, profiles)
        judgement = replace(_decided(proof, profile, reading, expected), bank=profile.bank)
    if judgement.action is Action.MATCH and (late := _untimely(headers, expected)):
        judgement = replace(judgement, action=Action.REVIEW, findings=(late,))
    return replace(judgement, findings=(*judgement.findings, *findings))


def _forged_form(
    headers: Sequence[Header], rated: Sequence[Rated], appended_to: str | None
) -> str | None:
    if repeated := repeated_headers(headers):
        return f"It has {', '.join(repeated)} more than once; genuine mail has not."
    appended = [each.signature.domain for each in rated if each.signature.appended]
    if appended_to is not None or appended:
        return (
            f"Something was appended to what {appended_to or appended[0]} signed: "
            "the signature covers only the beginning of the body (l=)."
        )
    return None


def _stranger(
    evidence: Evidence,
    rated: Sequence[Rated],
    sender: Sender,
    reading: Reading,
    expected: Expected,
    profiles: Profiles,
) -> Proof:
    """Judge a sender that is on no bank's list."""
    proof = prove_domain(evidence, rated, sender)
    if sender.address in expected.mailboxes:
        if proof.level is Level.NOTHING:
            return proof
        return Proof(
            Level.WEAK, f"It was forwarded by hand from your mailbox {sender.address}.", proof.retry
        )
    if imitated := profiles.imitated_by(sender):
        return Proof(
            Level.NOTHING, f"{sender.domain} only looks like {imitated.name}; it is not its domain."
        )
    if reading.bank is not None:
        known = profiles.by_bank.get(reading.bank)
        name = known.name if known else reading.bank
        return Proof(
            Level.NOTHING, f"It reads like {name}, which does not send from {sender.address}."
        )
    if proof.level is Level.NOTHING:
        return proof
    return Proof(Level.WEAK, f"{sender.address} is no bank's address that we know.")


def _bank(
    evidence: Evidence,
    rated: Sequence[Rated],
    sender: Sender,
    profile: Profile,
    reading: Reading,
    profiles: Profiles,
) -> Proof:
    """Judge a sender that is on a bank's list."""
    if reading.bank not in {None, profile.bank}:
        return Proof(
            Level.NOTHING,
            f"It comes from {profile.name} but reads like another bank ({reading.bank}).",
        )
    proof = prove_bank(evidence, rated, sender, profile, profiles)
    if proof.level is not Level.PROVEN:
        return proof
    if reading.kind is Kind.GATEWAY_NOTICE:
        reason = "It is a payment gateway's line, whose own signature is not checked."
    elif not profile.confirmed:
        reason = f"What {profile.name} sends is not confirmed yet."
    elif evidence.smime:
        reason = "It has an S/MIME signature, which is not checked."
    elif reading.bank is None:
        reason = f"No template reads this mail of {profile.name}."
    else:
        return proof
    return Proof(Level.WEAK, f"{reason} {proof.reason}")


def _decided(
    proof: Proof, profile: Profile | None, reading: Reading, expected: Expected
) -> Judgement:
    """Turn the proof into a verdict, the own accounts compared."""
    if proof.level is Level.NOTHING:
        return replace(_rejected(proof.reason), retry=proof.retry)
    masked = profile is not None and profile.masked
    compared = compare_accounts(reading.movements, reading.balance, expected.accounts, masked)
    if compared is Comparison.FOREIGN:
        reason = "It tells of an account that is not this connection's."
        return replace(_rejected(reason), foreign_account=True)
    if proof.level is Level.WEAK:
        inert = reading.bank is not None and reading.kind in MONEYLESS
        action = Action.RECORD_ONLY if inert else Action.REVIEW
        return Judgement(Trust.WEAK, action, proof.reason, retry=proof.retry)
    action, doubt = _action(reading, compared)
    return Judgement(Trust.TRUSTED, action, proof.reason, (doubt,) if doubt else ())


def _action(reading: Reading, compared: Comparison) -> tuple[Action, str]:
    """Say what may be done with a trusted mail, and why not more."""
    if reading.kind in MONEYLESS:
        return Action.RECORD_ONLY, ""
    if not reading.complete:
        return Action.REVIEW, "Not everything in it was understood."
    if compared is not Comparison.OWN:
        return Action.REVIEW, "It does not tell for certain whose account it is about."
    if not reading.movements:
        return Action.REVIEW, "It tells of no movement that we understand."
    odd = [each for each in reading.movements if not _plain(each)]
    if odd:
        return Action.REVIEW, f"A movement needs a person: {odd[0].kind.value.replace('_', ' ')}."
    if any(each.kind is Kind.INCOMING_PAYMENT for each in reading.movements):
        return Action.MATCH, ""
    return Action.RECORD_ONLY, ""


def _plain(movement: Movement) -> bool:
    """Whether a movement may be taken as it stands: paid in and booked, or only to record."""
    if movement.kind in RECORDED:
        return True
    return (
        movement.kind is Kind.INCOMING_PAYMENT
        and movement.direction is Direction.IN
        and movement.booked
        and movement.amount > 0
    )


def _untimely(headers: Sequence[Header], expected: Expected) -> str | None:
    dates = values(headers, "Date")
    try:
        sent = parsedate_to_datetime(text(dates[0])) if dates else None
    except (ValueError, TypeError, IndexError, OverflowError):
        sent = None
    if sent is None:
        return "It has no date that can be read."
    aware = sent if sent.tzinfo else sent.replace(tzinfo=UTC)
    try:
        age = expected.receive_time - aware
    except OverflowError:
        return "It has no date that can be read."
    if age > timedelta(days=expected.max_age_days):
        return f"It was sent more than {expected.max_age_days} days before it arrived."
    if age < -FUTURE_MAX:
        return "It is dated in the future."
    return None


def _signature_findings(rated: Sequence[Rated]) -> tuple[str, ...]:
    found = []
    for each in rated:
        domain = each.signature.domain or "an unknown domain"
        if each.rating.quality is not Quality.OK:
            found.append(
                f"DKIM signature of {domain}: {each.rating.quality.value}: "
                f"{'; '.join(each.rating.reasons)}"
            )
        found.extend(notes(each.signature))
    return tuple(found)


def _rejected(reason: str, findings: tuple[str, ...] = ()) -> Judgement:
    return Judgement(Trust.REJECTED, Action.QUARANTINE, reason, findings)
