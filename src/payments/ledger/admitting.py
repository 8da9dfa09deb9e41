"""How a payment stands when a mail tells of it, for the first time or again: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from payments.decisions.standing import Disposition, Standing
from payments.ledger.booking import HOLD, RELEASE, Decided, disposed
from payments.ledger.flags import taken_back_flag, told_flags
from payments.ledger.holds import Hold
from payments.matching.values import OVER, PaymentStatus
from payments.messages.notice import Notice
from payments.storage.payments import PaymentRow
from spojka.api.mail.v1 import events_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.values import Money

_UNPROVEN: Final = frozenset({Hold.WEAK, Hold.REVIEW})
_GONE_OR_THERE: Final = "Confirm it if the money is there, discard it if it is gone."


def hold_of(notice: Notice, *, sender_confirmed: bool, twins: bool) -> Hold:
    """Why the payment waits for a person; NONE where it may be matched, or is only written down."""
    if notice.recorded_only:
        return Hold.NONE
    if twins:
        return Hold.TWIN
    if not notice.trusted:
        return Hold.WEAK
    if notice.action != events_pb2.NOTIFICATION_ACTION_MATCH or notice.reversal:
        return Hold.REVIEW
    if notice.automatic_limit is not None and notice.amount > notice.automatic_limit:
        return Hold.LIMIT
    return Hold.NONE if sender_confirmed else Hold.NEW_SENDER


def admitted(notice: Notice, payment_id: UUID, hold: Hold, twins: tuple[UUID, ...]) -> PaymentRow:
    """The payment of a movement that was not known."""
    message = _message(notice, payment_id, hold)
    message.twin_ids.extend(map(str, twins))
    return PaymentRow(
        standing=_standing(notice, payment_id, hold),
        message=message,
        revision=1,
        connection_id=notice.connection_id,
        counter_account=message.counter_account,
        receive_time=notice.receive_time,
        origin=notice.origin,
        automatic_per_hour=notice.automatic_per_hour,
        likeness=notice.likeness,
        balance=notice.balance,
    )


@dataclass(frozen=True, slots=True)
class ToldAgain:
    """A known payment after one more mail told of it.

    `contradicted`: the mail proves a payment about which a person decided while
    it was not proven, and says other things, or the person laid it aside.
    """

    payment: PaymentRow
    decision: Decided | None = None
    contradicted: bool = False


def told_again(payment: PaymentRow, notice: Notice, hold: Hold) -> ToldAgain:
    """Take what a better proven mail says of a known payment; a lesser one changes nothing.

    `hold` is why the notice itself would wait. All that the better mail says
    takes the place of what the lesser one said: an unproven mail must not lend
    its variable symbol to a movement that the bank proves later. What a person
    decided, or what an order has, stays.
    """
    trusted_now = notice.trusted and payment.message.trust != events_pb2.TRUST_TRUSTED
    read_better = payment.disposition.hold == Hold.REVIEW and hold not in _UNPROVEN
    if not (trusted_now or read_better):
        return ToldAgain(payment)
    if payment.disposition.decided_by or payment.standing.live:
        # Its words are the bank's from now on: an undo must not leave a forger's symbol, proven.
        message = payment_pb2.Payment()
        message.CopyFrom(notice.movement)
        message.id = payment.message.id
        message.amount.CopyFrom(payment.message.amount)
        message.counter_account = payment.message.counter_account
        message.receive_time.CopyFrom(payment.message.receive_time)
        message.verdict.CopyFrom(payment.message.verdict)
        message.flags[:] = payment.message.flags
        message.twin_ids[:] = payment.message.twin_ids
        differs = payment.likeness != notice.likeness or payment.standing.amount != notice.amount
        laid_aside = payment.disposition.status is PaymentStatus.DISCARDED
        return ToldAgain(replace(payment, message=message), None, differs or laid_aside)
    told = told_flags(payment.message.flags)
    if payment.disposition.hold and not notice.recorded_only:
        hold = _lasting(Hold(payment.disposition.hold), told) or hold
    after = admitted(notice, payment.id, hold, ())
    after.message.twin_ids.extend(payment.message.twin_ids)
    after.message.flags.extend(told)
    lines, ruled_out = payment.standing.lines, payment.standing.ruled_out
    standing = replace(after.standing, lines=lines, ruled_out=ruled_out)
    after = replace(
        after, standing=standing, revision=payment.revision, receive_time=payment.receive_time
    )
    after.message.receive_time.CopyFrom(payment.message.receive_time)
    proof = f"A mail from {notice.origin} tells of the same movement and is better proven"
    waits = f" {after.message.verdict.summary}" if hold else ""
    return ToldAgain(after, Decided(RELEASE, f"{proof}.{waits}"))


def taken_back(payment: PaymentRow, value_date: str) -> ToldAgain:
    """Take a mail's word that the bank may have taken a known payment back."""
    message = payment_pb2.Payment()
    message.CopyFrom(payment.message)
    message.flags.append(taken_back_flag(value_date))
    flagged = replace(payment, message=message)
    after = kept_back(flagged, gives=bool(payment.standing.live))
    if after is flagged:
        return ToldAgain(flagged)
    return ToldAgain(after, Decided(HOLD, after.message.verdict.summary))


def kept_back(payment: PaymentRow, *, gives: bool) -> PaymentRow:
    """The payment, waiting for a person if a mail says that the bank may have taken it back.

    Without that it would pay an order by itself sooner or later. What a person
    decided stays, and so does what an order has already: it `gives`.
    """
    told = told_flags(payment.message.flags)
    disposition = payment.disposition
    if (
        not told
        or gives
        or disposition.decided_by
        or disposition.status in OVER
        or disposition.hold in {Hold.TWIN, Hold.TAKEN_BACK}
    ):
        return payment
    message = payment_pb2.Payment()
    message.CopyFrom(payment.message)
    message.verdict.Clear()
    message.verdict.status = payment_pb2.PAYMENT_STATUS_UNCONFIRMED
    message.verdict.summary = f"{told[-1]} {_GONE_OR_THERE}"
    verdict = payment.message.verdict
    known = verdict.HasField("decide_time")
    message.verdict.decide_time.CopyFrom(verdict.decide_time if known else message.receive_time)
    waiting = Disposition(
        PaymentStatus.UNCONFIRMED, Hold.TAKEN_BACK, needs_person=True, decided_by=""
    )
    return disposed(replace(payment, message=message), waiting)


def _lasting(hold: Hold, told: Sequence[str]) -> Hold:
    """The reason to wait that no better proof ends; NONE where there is none."""
    if hold is Hold.TWIN:
        return hold
    return Hold.TAKEN_BACK if told else Hold.NONE


def _standing(notice: Notice, payment_id: UUID, hold: Hold) -> Standing:
    if notice.recorded_only:
        disposition = Disposition(
            PaymentStatus.OUTGOING, Hold.NONE, needs_person=False, decided_by=""
        )
    else:
        status = PaymentStatus.UNCONFIRMED if hold else PaymentStatus.UNMATCHED
        if hold is Hold.TWIN:
            status = PaymentStatus.POSSIBLE_TWIN
        disposition = Disposition(status, hold, needs_person=True, decided_by="")
    return Standing(
        id=payment_id,
        incoming=notice.movement.incoming,
        currency=notice.movement.amount.currency,
        amount=notice.amount,
        disposition=disposition,
    )


def _message(notice: Notice, payment_id: UUID, hold: Hold) -> payment_pb2.Payment:
    message = payment_pb2.Payment()
    message.CopyFrom(notice.movement)
    message.id = str(payment_id)
    if hold:
        status = payment_pb2.PAYMENT_STATUS_UNCONFIRMED
        if hold is Hold.TWIN:
            status = payment_pb2.PAYMENT_STATUS_POSSIBLE_TWIN
        message.verdict.status = status
        message.verdict.summary = _reason(notice, hold)
        message.verdict.decide_time.CopyFrom(message.receive_time)
    return message


def _reason(notice: Notice, hold: Hold) -> str:
    """Why it waits, and what a person can do about it."""
    if hold is Hold.WEAK:
        why = f" ({notice.trust_reason})" if notice.trust_reason else ""
        return f"The mail is not proven to be the bank's{why}. Confirm it if the money is there."
    if hold is Hold.REVIEW:
        return "It was read by guess, or is of a kind that a person must look at. Confirm it first."
    if hold is Hold.LIMIT:
        assert notice.automatic_limit is not None
        limit = Money(notice.movement.amount.currency, notice.automatic_limit)
        return f"It is above {limit}, the most that may pay an order by itself. Confirm it first."
    if hold is Hold.NEW_SENDER:
        return (
            f"It is the first payment from {notice.origin} at this address. Confirm it once; later "
            "ones are matched by themselves."
        )
    if hold is Hold.TAKEN_BACK:
        return f"A mail says that the bank may have taken this money back. {_GONE_OR_THERE}"
    return (
        "It looks like another payment, and no reference or balance tells the two apart. Confirm "
        "it if the money came twice, discard it if it came once."
    )
