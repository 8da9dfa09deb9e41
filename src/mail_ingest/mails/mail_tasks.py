"""The tasks of the mail side: what only a person can set right."""

from datetime import date, datetime
from typing import Final
from uuid import UUID

from spojka.database import Connection
from spojka.tasks import Task, close_task, open_task

UNREADABLE_MAILS: Final = "UNREADABLE_MAILS"
REJECTED_MAIL: Final = "REJECTED_MAIL"
ADDRESS_CONFIRMATION: Final = "ADDRESS_CONFIRMATION"
OLD_ADDRESS_USED: Final = "OLD_ADDRESS_USED"
MAILBOX_SILENT: Final = "MAILBOX_SILENT"

UNKNOWN_BANK: Final = "unknown"


async def unreadable_mails(
    connection: Connection, tenant_id: UUID, bank: str, count: int, reason: str
) -> None:
    """Say how many mails of a bank can't be read; with none the task is closed."""
    subject = bank or UNKNOWN_BANK
    if not count:
        await close_task(connection, tenant_id, UNREADABLE_MAILS, subject)
        return
    of_bank = f"of {bank}" if bank else "of no bank that we know"
    await open_task(
        connection,
        tenant_id,
        Task(
            UNREADABLE_MAILS,
            subject,
            f"{count} mails {of_bank} can't be read",
            "Look at them: payments in them were not seen. Once the form is known, read them "
            "again with 'spojka mail reprocess'.",
            {"count": str(count), "last_reason": reason},
        ),
    )


async def rejected_mail(
    connection: Connection,
    tenant_id: UUID,
    connection_id: UUID,
    address_id: UUID,
    mail_id: UUID,
    day: date,
    reason: str,
) -> None:
    """Tell of the first rejected mail of an address and day; the others of that day are silent."""
    subject = f"{address_id}/{day.isoformat()}"
    cursor = await connection.execute(
        "SELECT FROM task WHERE tenant_id = %s AND kind = %s AND subject = %s",
        [tenant_id, REJECTED_MAIL, subject],
    )
    if await cursor.fetchone() is not None:
        return
    await open_task(
        connection,
        tenant_id,
        Task(
            REJECTED_MAIL,
            subject,
            f"A mail was rejected: {reason}",
            "It pays nothing. If somebody else knows the address, rotate it; if the mail is "
            "your bank's, look at its evidence with 'spojka mail show'.",
            {"mail_id": str(mail_id), "bank_connection_id": str(connection_id)},
        ),
    )


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
    connection: Connection, tenant_id: UUID, connection_id: UUID, address_id: UUID
) -> None:
    """Tell that a mail came to an address that was replaced."""
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
    """Tell that a busy mailbox is silent `since` then; None closes the task."""
    if since is None:
        await close_task(connection, tenant_id, MAILBOX_SILENT, str(connection_id))
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
