"""Writing down what was made of a mail, and telling payments of the movements in it.

Everything happens in the caller's one transaction, together with taking the
mail out of the queue: a process that is killed before its end has done
nothing, and one that is killed after it has done all.
"""

from collections.abc import Sequence
from uuid import UUID

from mail_ingest.banks.reading import Movement
from mail_ingest.mails import mail_tasks
from mail_ingest.mails.judge import Verdict
from mail_ingest.mails.model import StoredMail
from mail_ingest.mails.notifying import Told, events_of, number, payments_of
from spojka.api.mail.v1 import mail_service_pb2
from spojka.database import Connection
from spojka.outbox import Event

Judged = tuple[StoredMail, Verdict]
New = tuple[UUID, Sequence[tuple[Told, Movement]]]
"""The movements of a mail that are told now."""


async def record(connection: Connection, tenant_id: UUID, judged: Sequence[Judged]) -> list[Event]:
    """Write the outcomes of a tenant's mails judged for the first time.

    Takes one statement for each table, however many mails there are. Returns
    the events to append.
    """
    new = [number(payments_of(mail, verdict), []) for mail, verdict in judged]
    ids = [mail.row.id for mail, _ in judged]
    events: list[Event] = []
    await _remember(connection, tenant_id, list(zip(ids, new, strict=True)))
    await _write(connection, tenant_id, judged)
    for (mail, verdict), movements in zip(judged, new, strict=True):
        await _open_tasks(connection, mail, verdict)
        events += events_of(mail, verdict, movements, after_others=False)
    return events


async def record_again(connection: Connection, mail: StoredMail, verdict: Verdict) -> list[Event]:
    """Write the outcome of a mail that was recorded before; returns the events to append.

    What was told then is not told again, and what it tells anew waits for a person.
    """
    row = mail.row
    told = await _told(connection, row.tenant_id, row.id)
    new = number(payments_of(mail, verdict), told)
    await _remember(connection, row.tenant_id, [(row.id, new)])
    await _write(connection, row.tenant_id, [(mail, verdict)])
    await _open_tasks(connection, mail, verdict)
    await _close_tasks(connection, mail, verdict)
    return events_of(mail, verdict, new, after_others=bool(told))


async def record_interim(connection: Connection, mail: StoredMail, verdict: Verdict) -> None:
    """Write what is known so far of a mail that will be judged again."""
    await _write(connection, mail.row.tenant_id, [(mail, verdict)], interim=True)


async def _write(
    connection: Connection, tenant_id: UUID, judged: Sequence[Judged], *, interim: bool = False
) -> None:
    if not judged:
        return
    received = mail_service_pb2.MAIL_STATE_RECEIVED
    verdicts = [verdict for _, verdict in judged]
    await connection.execute(
        """
        UPDATE mail SET state = found.state, trust = found.trust, bank = found.bank,
                        attempts = attempts + 1, value = found.value,
                        evidence = coalesce(found.evidence, mail.evidence)
        FROM unnest(%s::uuid[], %s::smallint[], %s::smallint[], %s::text[], %s::text[],
                    %s::bytea[]) AS found (id, state, trust, bank, evidence, value)
        WHERE mail.tenant_id = %s AND mail.id = found.id
        """,
        [
            [mail.row.id for mail, _ in judged],
            [received if interim else verdict.state for verdict in verdicts],
            [verdict.trust for verdict in verdicts],
            [verdict.value.bank for verdict in verdicts],
            [verdict.evidence for verdict in verdicts],
            [verdict.value.SerializeToString() for verdict in verdicts],
            tenant_id,
        ],
        prepare=False,  # A plan kept from when the table was small would read all of it.
    )


async def _told(connection: Connection, tenant_id: UUID, mail_id: UUID) -> list[Told]:
    cursor = await connection.execute(
        "SELECT movement, likeness FROM notified WHERE tenant_id = %s AND mail_id = %s",
        [tenant_id, mail_id],
    )
    return [Told(*row) for row in await cursor.fetchall()]


async def _remember(connection: Connection, tenant_id: UUID, new: Sequence[New]) -> None:
    rows = [(mail_id, told) for mail_id, movements in new for told, _ in movements]
    if rows:
        await connection.execute(
            "INSERT INTO notified (tenant_id, mail_id, movement, likeness)"
            " SELECT %s, * FROM unnest(%s::uuid[], %s::integer[], %s::text[])",
            [
                tenant_id,
                [mail_id for mail_id, _ in rows],
                [told.movement for _, told in rows],
                [told.likeness for _, told in rows],
            ],
        )


async def _open_tasks(connection: Connection, mail: StoredMail, verdict: Verdict) -> None:
    row = mail.row
    if _unchanged(mail, verdict):
        # What there is to tell was told then, and a person may have dealt with it.
        return
    first = row.state == mail_service_pb2.MAIL_STATE_RECEIVED
    if first and row.address_id != mail.account.address_id:
        await mail_tasks.old_address_used(
            connection, row.tenant_id, row.connection_id, row.address_id, row.receive_time
        )
    if verdict.state == mail_service_pb2.MAIL_STATE_QUARANTINED:
        await mail_tasks.rejected_mail(connection, row, verdict.reason)
    elif verdict.state == mail_service_pb2.MAIL_STATE_CONFIRMATION:
        await mail_tasks.address_confirmation(
            connection, row.tenant_id, row.connection_id, row.id, verdict.provider
        )
    elif verdict.state == mail_service_pb2.MAIL_STATE_UNREADABLE:
        await mail_tasks.unreadable_mails(connection, row.tenant_id, verdict.value.bank, more=True)


async def _close_tasks(connection: Connection, mail: StoredMail, verdict: Verdict) -> None:
    row = mail.row
    if row.state == mail_service_pb2.MAIL_STATE_UNREADABLE:
        await mail_tasks.unreadable_mails(connection, row.tenant_id, row.bank, more=False)
    elif row.state == mail_service_pb2.MAIL_STATE_QUARANTINED and row.state != verdict.state:
        await mail_tasks.rejected_no_more(connection, row)


def _unchanged(mail: StoredMail, verdict: Verdict) -> bool:
    row = mail.row
    return (row.state, row.bank) == (verdict.state, verdict.value.bank)
