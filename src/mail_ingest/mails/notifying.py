"""Which movements of a mail payments are told of, and as what.

A movement is told once for each mail, whatever is read in it later: it has a
number that stays, and it is known again by direction, amount, currency and
date. What a later reading adds gets the next number and waits for a person,
so that a mended template can't pay a second time what was paid already.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid5

from mail_ingest.banks.accounts import account_key
from mail_ingest.banks.reading import Direction, Movement
from mail_ingest.genuineness.verdict import RECORDED, Action
from mail_ingest.mails.judge import Verdict
from mail_ingest.mails.model import StoredMail
from mail_ingest.mails.movements import KINDS, payment_message
from spojka.api.mail.v1 import events_pb2 as api
from spojka.outbox import Event
from spojka.topics import Topic
from spojka.values import format_decimal

ACTIONS: Final[Mapping[Action, api.NotificationAction.ValueType]] = {
    Action.MATCH: api.NOTIFICATION_ACTION_MATCH,
    Action.REVIEW: api.NOTIFICATION_ACTION_REVIEW,
    Action.RECORD_ONLY: api.NOTIFICATION_ACTION_RECORD_ONLY,
}


@dataclass(frozen=True, slots=True)
class Told:
    """A movement that payments were told of: its number in the mail, and how it is known again."""

    movement: int
    likeness: str


def payments_of(mail: StoredMail, verdict: Verdict) -> list[Movement]:
    """The movements that payments are to know of.

    None of a mail that is quarantined, or whose connection is switched off; of
    another mail, money that moved on the connection's own account.
    """
    if verdict.action not in ACTIONS or mail.account.inactive:
        return []
    return [
        movement
        for movement in verdict.movements
        if movement.kind in KINDS
        and movement.booked
        and movement.amount > 0
        and not _is_foreign(movement, mail.account.account_key)
    ]


def number(movements: Sequence[Movement], told: Sequence[Told]) -> list[tuple[Told, Movement]]:
    """The movements that were not told yet, numbered after those that were."""
    known = Counter(each.likeness for each in told)
    following = max((each.movement for each in told), default=-1) + 1
    new: list[tuple[Told, Movement]] = []
    for movement in movements:
        likeness = _likeness(movement)
        if known[likeness]:
            known[likeness] -= 1
        else:
            new.append((Told(following + len(new), likeness), movement))
    return new


def events_of(
    mail: StoredMail,
    verdict: Verdict,
    new: Sequence[tuple[Told, Movement]],
    *,
    after_others: bool,
) -> list[Event]:
    """The events that tell of movements; their ids are the same however often they are made."""
    row, account = mail.row, mail.account
    events = []
    for told, movement in new:
        action = Action.REVIEW if after_others else _action(movement, verdict)
        message = api.PaymentNotified(
            tenant_id=str(row.tenant_id),
            bank_connection_id=str(row.connection_id),
            mail_id=str(row.id),
            movement=told.movement,
            bank=verdict.value.bank,
            trust=verdict.trust,
            trust_reason=verdict.reason,
            payment=payment_message(movement),
            action=ACTIONS[action],
            address_id=str(row.address_id),
            sender_domain=verdict.sender_domain,
            template=verdict.value.template,
            automatic_limit=(
                "" if account.automatic_limit is None else format_decimal(account.automatic_limit)
            ),
            automatic_per_hour=account.automatic_per_hour,
        )
        message.receive_time.FromDatetime(row.receive_time)
        events.append(
            Event(
                Topic.NOTIFICATIONS,
                f"{row.tenant_id}/{row.connection_id}",
                message.DESCRIPTOR.full_name,
                message.SerializeToString(),
                id=uuid5(row.id, str(told.movement)),
            )
        )
    return events


def _action(movement: Movement, verdict: Verdict) -> Action:
    """A movement that can pay no order is only recorded, where it is read for certain."""
    if movement.kind in RECORDED and verdict.complete:
        return Action.RECORD_ONLY
    return verdict.action


def _is_foreign(movement: Movement, own_key: str) -> bool:
    try:
        return bool(movement.own_account) and account_key(movement.own_account or "") != own_key
    except ValueError:
        # A masked number is compared where the mail is judged.
        return False


def told_likeness(payment: api.NotifiedPayment) -> str:
    """What a movement that was told is known again by, as its message has it."""
    direction = Direction.IN if payment.incoming else Direction.OUT
    amount = payment.amount
    return f"{direction.value} {amount.amount} {amount.currency} {payment.value_date}"


def _likeness(movement: Movement) -> str:
    return (
        f"{movement.direction.value} {format_decimal(movement.amount)} {movement.currency}"
        f" {movement.date.isoformat()}"
    )
