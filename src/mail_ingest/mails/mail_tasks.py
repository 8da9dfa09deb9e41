"""The tasks of the mail side: what only a person can set right."""

from datetime import datetime
from typing import Final
from uuid import UUID

from mail_ingest.connections.addresses import was_replaced
from mail_ingest.mails.model import MailRow
from spojka.api.mail.v1 import mail_service_pb2 as api
from spojka.database import Connection
from spojka.tasks import SPOJKA, Task, close_task, open_task

UNREADABLE_MAILS: Final = "UNREADABLE_MAILS"
REJECTED_MAIL: Final = "REJECTED_MAIL"
ADDRESS_CONFIRMATION: Final = "ADDRESS_CONFIRMATION"
OLD_ADDRESS_USED: Final = "OLD_ADDRESS_USED"
MAILBOX_SILENT: Final = "MAILBOX_SILENT"

UNKNOWN_BANK: Final = "unknown"


async def unreadable_mails(
    connection: Connection, tenant_id: UUID, bank: str, *, more: bool
) -> None:
    """Say how many mails of a bank can't be read now, and why the newest of them can't.

    With none the task is closed. Unless there are `more` than before, one that
    a person closed stays closed.
    """
    subject = bank or UNKNOWN_BANK
    unread = "tenant_id = %(tenant)s AND state = %(state)s AND bank = %(bank)s"
    cursor = await connection.execute(
        f"SELECT (SELECT count(*) FROM mail WHERE {unread}), value"
        f" FROM mail WHERE {unread} ORDER BY id DESC LIMIT 1".encode(),
        {"tenant": tenant_id, "state": api.MAIL_STATE_UNREADABLE, "bank": bank},
    )
    row = await cursor.fetchone()
    if row is None:
        await close_task(connection, tenant_id, UNREADABLE_MAILS, subject)
        return
    if not more and not await _is_open(connection, tenant_id, UNREADABLE_MAILS, subject):
        return
    count, value = row
    mails = "1 mail" if count == 1 else f"{count} mails"
    of_bank = f"of {bank}" if bank else "of no bank that we know"
    await open_task(
        connection,
        tenant_id,
        Task(
            UNREADABLE_MAILS,
            subject,
            f"{mails} {of_bank} can't be read",
            "Look at them: payments in them were not seen. Once the form is known, read them "
            "again with 'spojka mail reprocess'.",
            {"count": str(count), "last_reason": api.Mail.FromString(value).trust_reason},
        ),
    )


async def rejected_mail(connection: Connection, mail: MailRow, reason: str) -> None:
    """Tell of the first rejected mail of an address and day; the others of that day are silent."""
    cursor = await connection.execute(
        "SELECT FROM task WHERE tenant_id = %s AND kind = %s AND subject = %s",
        [mail.tenant_id, REJECTED_MAIL, _address_day(mail)],
    )
    if await cursor.fetchone() is None:
        await open_task(connection, mail.tenant_id, _rejection(mail, mail.id, reason))


async def rejected_no_more(connection: Connection, mail: MailRow) -> None:
    """Let the open task of a rejected mail tell of another of that day; with none it is closed."""
    subject = _address_day(mail)
    cursor = await connection.execute(
        """
        SELECT FROM task WHERE tenant_id = %s AND kind = %s AND subject = %s
        AND details ->> 'mail_id' = %s AND resolve_time IS NULL
        """,
        [mail.tenant_id, REJECTED_MAIL, subject, str(mail.id)],
    )
    if await cursor.fetchone() is None:
        return
    cursor = await connection.execute(
        """
        SELECT id, value FROM mail WHERE tenant_id = %s AND state = %s
        AND address_id = %s AND receive_time::date = %s ORDER BY id LIMIT 1
        """,
        [
            mail.tenant_id,
            api.MAIL_STATE_QUARANTINED,
            mail.address_id,
            mail.receive_time.date(),
        ],
    )
    row = await cursor.fetchone()
    if row is None:
        await close_task(connection, mail.tenant_id, REJECTED_MAIL, subject)
        return
    reason = api.Mail.FromString(row[1]).trust_reason
    await open_task(connection, mail.tenant_id, _rejection(mail, row[0], reason))


async def address_confirmation(
    connection: Connection, tenant_id: UUID, connection_id: UUID, mail_id: UUID, provider: str
) -> None:
    """Tell that somebody asks to confirm the address. The code is in the mail, not in the task."""
    by_whom = f" by {provider}" if provider else ""
    await open_task(
        connection,
        tenant_id,
        Task(
            ADDRESS_CONFIRMATION,
            str(mail_id),
            f"The address is to be confirmed{by_whom}",
            "If you set the notification or the forwarding up yourself, confirm it with the code "
            "or link that the mail shows; else leave it alone. It is forgotten after 7 days.",
            {"mail_id": str(mail_id), "bank_connection_id": str(connection_id)},
        ),
    )


async def old_address_used(
    connection: Connection,
    tenant_id: UUID,
    connection_id: UUID,
    address_id: UUID,
    receive_time: datetime,
) -> None:
    """Tell that a mail came to an address, if that was replaced before the mail came."""
    if not await was_replaced(connection, tenant_id, address_id, receive_time):
        return
    await open_task(
        connection,
        tenant_id,
        Task(
            OLD_ADDRESS_USED,
            str(address_id),
            "A mail came to an address that was replaced",
            "Give your bank the new address before the old one ends; the connection shows both.",
            {"bank_connection_id": str(connection_id)},
        ),
    )


async def mailbox_silent(
    connection: Connection, tenant_id: UUID, connection_id: UUID, name: str, since: datetime | None
) -> None:
    """Tell that a busy mailbox is silent `since` then; None closes the task.

    A silence that a person dealt with is not told of again.
    """
    if since is None:
        await close_task(connection, tenant_id, MAILBOX_SILENT, str(connection_id))
        return
    cursor = await connection.execute(
        """
        SELECT FROM task WHERE tenant_id = %s AND kind = %s AND subject = %s
        AND details ->> 'since' = %s AND resolved_by <> %s LIMIT 1
        """,
        [tenant_id, MAILBOX_SILENT, str(connection_id), since.isoformat(), SPOJKA],
    )
    if await cursor.fetchone() is not None:
        return
    await open_task(
        connection,
        tenant_id,
        Task(
            MAILBOX_SILENT,
            str(connection_id),
            f"No mail has come for {name!r} since {since:%Y-%m-%d %H:%M} UTC",
            "Look whether the bank still notifies this address, and whether a mailbox between "
            "still forwards; payments are missing meanwhile.",
            {"bank_connection_id": str(connection_id), "since": since.isoformat()},
        ),
    )


def _address_day(mail: MailRow) -> str:
    return f"{mail.address_id}/{mail.receive_time.date().isoformat()}"


def _rejection(of: MailRow, mail_id: UUID, reason: str) -> Task:
    """The task of a mail's address and day; `mail_id` is the mail that it shows."""
    return Task(
        REJECTED_MAIL,
        _address_day(of),
        f"A mail was rejected: {reason}",
        "It pays nothing. If somebody else knows the address, rotate it; if the mail is "
        "your bank's, look at its evidence with 'spojka mail show'.",
        {"mail_id": str(mail_id), "bank_connection_id": str(of.connection_id)},
    )


async def _is_open(connection: Connection, tenant_id: UUID, kind: str, subject: str) -> bool:
    cursor = await connection.execute(
        "SELECT FROM task"
        " WHERE tenant_id = %s AND kind = %s AND subject = %s AND resolve_time IS NULL",
        [tenant_id, kind, subject],
    )
    return await cursor.fetchone() is not None
