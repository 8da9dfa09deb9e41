"""Mails: their bytes, their outcome, and the movements that payments were told of."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from google.protobuf.message import DecodeError

from mail_ingest.mails.notifying import told_likeness
from spojka.api.mail.v1 import events_pb2, mail_service_pb2
from spojka.verification.fields import shown
from spojka.verification.model import Checked, Difference, Finding
from spojka.verification.snapshot import Snapshot

BATCH_MAILS: Final = 1_000
MAIL: Final = "mail"

_RECEIVED: Final = int(mail_service_pb2.MAIL_STATE_RECEIVED)
_READ: Final = int(mail_service_pb2.MAIL_STATE_READ)
_QUARANTINED: Final = int(mail_service_pb2.MAIL_STATE_QUARANTINED)
_CONFIRMATION: Final = int(mail_service_pb2.MAIL_STATE_CONFIRMATION)
_REJECTED: Final = int(events_pb2.TRUST_REJECTED)


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement that shows what breaks a rule: its id, what is stored, what it should be.

    It takes the tenant.
    """

    field: str
    meaning: str
    statement: str


_RULES: Final = (
    Rule(
        "raw",
        "the bytes are not those that came: nothing can be proven by them",
        """
        SELECT id::text, encode(sha256(raw), 'hex') || ', ' || octet_length(raw) || ' bytes',
               encode(digest, 'hex') || ', ' || size_bytes || ' bytes'
        FROM mail JOIN mail_raw ON mail_raw.tenant_id = mail.tenant_id
                               AND mail_raw.mail_id = mail.id
        WHERE mail.tenant_id = %(tenant)s
          AND (digest <> sha256(raw) OR size_bytes <> octet_length(raw))
        """,
    ),
    Rule(
        "raw",
        "the bytes that came are lost",
        """
        SELECT id::text, 'nothing', size_bytes || ' bytes' FROM mail
        WHERE tenant_id = %(tenant)s
          AND NOT EXISTS (SELECT FROM mail_raw WHERE mail_raw.tenant_id = mail.tenant_id
                                                 AND mail_raw.mail_id = mail.id)
        """,
    ),
    Rule(
        "id",
        "payments were told of a movement, or bytes are kept, of a mail that is not there",
        """
        SELECT mail_id::text, 'nothing', 'a mail' FROM (
            SELECT mail_id FROM notified WHERE tenant_id = %(tenant)s
            UNION SELECT mail_id FROM mail_raw WHERE tenant_id = %(tenant)s
            UNION SELECT mail_id FROM mail_queue WHERE tenant_id = %(tenant)s) AS known
        WHERE NOT EXISTS (SELECT FROM mail WHERE mail.tenant_id = %(tenant)s
                                             AND mail.id = known.mail_id)
        """,
    ),
    Rule(
        "state",
        "nobody will judge the mail: it is in no queue",
        f"""
        SELECT id::text, 'received', 'judged, or in the queue' FROM mail
        WHERE tenant_id = %(tenant)s AND state = {_RECEIVED}
          AND NOT EXISTS (SELECT FROM mail_queue WHERE mail_id = mail.id)
        """,
    ),
    Rule(
        "state",
        "what was rejected is quarantined, and nothing else is",
        f"""
        SELECT id::text, 'state ' || state || ', trust ' || trust,
               'state {_QUARANTINED} with trust {_REJECTED} alone' FROM mail
        WHERE tenant_id = %(tenant)s AND state NOT IN ({_RECEIVED}, {_CONFIRMATION})
          AND (state = {_QUARANTINED}) <> (trust = {_REJECTED})
        """,
    ),
    Rule(
        "movement",
        "payments were told of fewer movements than were numbered",
        """
        SELECT mail_id::text, count(*) || ' movements, the last is ' || max(movement),
               'numbers from 0 without a gap'
        FROM notified WHERE tenant_id = %(tenant)s
        GROUP BY mail_id HAVING count(*) <> max(movement) + 1
        """,
    ),
)
_IDS: Final = "SELECT id FROM mail WHERE tenant_id = %s AND id > %s ORDER BY id LIMIT %s"
_ROWS: Final = """
    SELECT id, state, bank, attempts, value FROM mail
    WHERE tenant_id = %s AND id = ANY(%s) ORDER BY id
"""
_TOLD: Final = """
    SELECT mail_id, likeness FROM notified WHERE tenant_id = %s AND mail_id = ANY(%s)
    ORDER BY mail_id, movement
"""


async def mails(snapshot: Snapshot, tenant: UUID) -> AsyncIterator[Finding]:
    """Compare each mail with its bytes, and what was told with what was read in it."""
    for rule in _RULES:
        async for id_, stored, rebuilt in snapshot.stream(rule.statement, {"tenant": tenant}):
            yield Difference(MAIL, id_, rule.field, stored, rebuilt, rule.meaning)
    async for ids in snapshot.batches(_IDS, tenant, limit=BATCH_MAILS):
        told: defaultdict[UUID, list[str]] = defaultdict(list)
        for mail_id, likeness in await snapshot.rows(_TOLD, [tenant, ids]):
            told[mail_id].append(likeness)
        for row in await snapshot.rows(_ROWS, [tenant, ids]):
            for found in _mail(row, told[row[0]]):
                yield found
        yield Checked(MAIL, len(ids))
        yield Checked("movement", sum(map(len, told.values())))


def _mail(row: Sequence[Any], told: Sequence[str]) -> Iterator[Difference]:
    id_, state, bank, attempts, value = row
    try:
        message = mail_service_pb2.Mail.FromString(value)
    except DecodeError as error:
        yield Difference(MAIL, str(id_), "value", shown(value), str(error), "it can't be read")
        return
    if bank != message.bank:
        other = "the mail is listed under another bank than the one that wrote it"
        yield Difference(MAIL, str(id_), "bank", bank, message.bank, other)
    if attempts != 1 or state == _RECEIVED:
        return  # What was read first is not kept where a mail was judged again.
    read = [told_likeness(each) for each in message.payments] if state == _READ else []
    untrue = Counter(told) - Counter(read)
    for likeness in untrue:
        nothing = "payments were told of a movement that was not read in the mail"
        yield Difference(MAIL, str(id_), "movement", likeness, ", ".join(read) or "none", nothing)
