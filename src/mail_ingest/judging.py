"""A mail judged: its headers, what was read in it, and the verdict, in one value.

Pure: it asks nobody, and no bytes make it raise.
"""

from dataclasses import dataclass
from datetime import datetime

from mail_ingest.banks.reader import read_mail
from mail_ingest.banks.reading import Movement, Reading, ReadingContext
from mail_ingest.genuineness.addresses import SenderError, sender_of
from mail_ingest.genuineness.claims import appended_behind
from mail_ingest.genuineness.evidence import Evidence
from mail_ingest.genuineness.profiles import Profiles, known_profiles
from mail_ingest.genuineness.verdict import Action, Expected, Judgement, Trust, judge
from mail_ingest.message.headers import Header, MessageError, split, text, values

TEXT_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """What judging needs to know of the bank connection that a mail came to.

    `accounts` are its own accounts in normal form; None leaves them out of the
    judgement, which only an inspection does. `currency` is what mails that
    print none mean. `mailboxes` may forward mail by hand.
    """

    accounts: tuple[str, ...] | None
    currency: str | None
    mailboxes: tuple[str, ...] = ()
    max_age_days: int = 10


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that is made of a mail. `bank` is None where nobody knows it."""

    reading: Reading
    judgement: Judgement
    bank: str | None
    sender_domain: str
    subject: str
    message_id: str

    @property
    def kind(self) -> str:
        """What kind of mail it is: of a rejected one, why it is not what it says."""
        if self.judgement.trust is not Trust.REJECTED:
            return self.reading.kind.value
        return "foreign_account" if self.judgement.foreign_account else "forged"

    @property
    def movements(self) -> tuple[Movement, ...]:
        """The movements it tells of; a forged mail tells of none."""
        return () if self.kind == "forged" else self.reading.movements


def judge_mail(
    raw: bytes,
    evidence: Evidence,
    connection: ConnectionView,
    receive_time: datetime,
    *,
    profiles: Profiles | None = None,
) -> Outcome:
    """Read a mail and judge it by its evidence, as of the time it was received."""
    context = ReadingContext(
        receive_time=receive_time,
        own_accounts=connection.accounts or (),
        currency=connection.currency,
    )
    reading = read_mail(raw, context)
    try:
        headers, body = split(raw)
    except MessageError as error:
        return _unreadable(reading, error)
    judgement = judge(
        evidence,
        headers,
        reading,
        Expected(
            connection.accounts,
            tuple(mailbox.lower() for mailbox in connection.mailboxes),
            receive_time,
            connection.max_age_days,
        ),
        profiles or known_profiles(),
        appended_to=appended_behind(headers, body),
    )
    return Outcome(
        reading=reading,
        judgement=judgement,
        bank=reading.bank or judgement.bank,
        sender_domain=_sender_domain(headers),
        subject=_shown(headers, "Subject"),
        message_id=_shown(headers, "Message-ID"),
    )


def _unreadable(reading: Reading, error: MessageError) -> Outcome:
    judgement = Judgement(
        Trust.REJECTED,
        Action.QUARANTINE,
        f"It can't be said who sent it: {error}.",
        reading.findings,
    )
    return Outcome(reading, judgement, None, "", "", "")


def _sender_domain(headers: tuple[Header, ...]) -> str:
    try:
        return sender_of(headers).domain
    except SenderError:
        return ""


def _shown(headers: tuple[Header, ...], name: str) -> str:
    found = values(headers, name)
    return text(found[0])[:TEXT_LENGTH_MAX] if found else ""
