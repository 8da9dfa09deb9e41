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


async def record(
    connection: Connection, mail: StoredMail, verdict: Verdict, *, again: bool = False
) -> list[Event]:
    """Write the outcome of a judging; returns the events to append.

    `again`: the mail was recorded before. What was told then is not told again,
    and what it tells anew waits for a person.
    """
    row = mail.row
    told = await _told(connection, row.tenant_id, row.id) if again else []
    new = number(payments_of(mail, verdict), told)
    await _remember(connection, row.tenant_id, row.id, new)
    await _write(connection, mail, verdict, state=verdict.state)
    await _open_tasks(connection, mail, verdict)
    if again and mail_service_pb2.MAIL_STATE_UNREADABLE in (row.state, verdict.state):
        await _count_unreadable(connection, row.tenant_id, row.bank, verdict.reason)
    return events_of(mail, verdict, new, after_others=bool(told))


async def record_interim(connection: Connection, mail: StoredMail, verdict: Verdict) -> None:
    """Write what is known so far of a mail that will be judged again."""
    await _write(connection, mail, verdict, state=mail_service_pb2.MAIL_STATE_RECEIVED)


async def _write(connection: Connection, mail: StoredMail, verdict: Verdict, *, state: int) -> None:
    await connection.execute(
        """
        UPDATE mail SET state = %s, trust = %s, bank = %s, attempts = attempts + 1,
                        evidence = coalesce(%s, evidence), value = %s
        WHERE tenant_id = %s AND id = %s
        """,
        [
            state,
            verdict.trust,
            verdict.value.bank,
            verdict.evidence,
            verdict.value.SerializeToString(),
            mail.row.tenant_id,
            mail.row.id,
        ],
    )


async def _told(connection: Connection, tenant_id: UUID, mail_id: UUID) -> list[Told]:
    cursor = await connection.execute(
        "SELECT movement, likeness FROM notified WHERE tenant_id = %s AND mail_id = %s",
        [tenant_id, mail_id],
    )
    return [Told(*row) for row in await cursor.fetchall()]


async def _remember(
    connection: Connection,
    tenant_id: UUID,
    mail_id: UUID,
    new: Sequence[tuple[Told, Movement]],
) -> None:
    if new:
        await connection.execute(
            "INSERT INTO notified (tenant_id, mail_id, movement, likeness)"
            " SELECT %s, %s, * FROM unnest(%s::integer[], %s::text[])",
            [
                tenant_id,
                mail_id,
                [told.movement for told, _ in new],
                [told.likeness for told, _ in new],
            ],
        )


async def _open_tasks(connection: Connection, mail: StoredMail, verdict: Verdict) -> None:
    row = mail.row
    if row.address_id != mail.account.address_id:
        await mail_tasks.old_address_used(
            connection, row.tenant_id, row.connection_id, row.address_id
        )
    if verdict.state == mail_service_pb2.MAIL_STATE_QUARANTINED:
        await mail_tasks.rejected_mail(
            connection,
            row.tenant_id,
            row.connection_id,
            row.address_id,
            row.id,
            row.receive_time.date(),
            verdict.reason,
        )
    elif verdict.state == mail_service_pb2.MAIL_STATE_CONFIRMATION:
        await mail_tasks.address_confirmation(
            connection, row.tenant_id, row.connection_id, row.id, verdict.provider
        )
    elif verdict.state == mail_service_pb2.MAIL_STATE_UNREADABLE:
        await _count_unreadable(connection, row.tenant_id, verdict.value.bank, verdict.reason)


async def _count_unreadable(
    connection: Connection, tenant_id: UUID, bank: str, reason: str
) -> None:
    cursor = await connection.execute(
        "SELECT count(*) FROM mail WHERE tenant_id = %s AND state = %s AND bank = %s",
        [tenant_id, mail_service_pb2.MAIL_STATE_UNREADABLE, bank],
    )
    row = await cursor.fetchone()
    assert row is not None
    await mail_tasks.unreadable_mails(connection, tenant_id, bank, row[0], reason)
