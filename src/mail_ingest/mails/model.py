"""A stored mail as the rest of the service needs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from spojka.database import Connection
from spojka.errors import NotFound

COLUMNS: Final = """
    mail.tenant_id, mail.id, mail.connection_id, mail.address_id, size_bytes, client_ip, helo,
    envelope_from, receive_time, redeliveries, state, trust, bank, attempts, value
"""


@dataclass(frozen=True, slots=True)
class MailRow:
    """One row of the table `mail`, without its evidence."""

    tenant_id: UUID
    id: UUID
    connection_id: UUID
    address_id: UUID
    size_bytes: int
    client_ip: str
    helo: str
    envelope_from: str
    receive_time: datetime
    redeliveries: int
    state: int
    trust: int
    bank: str
    attempts: int
    value: bytes


@dataclass(frozen=True, slots=True)
class BankAccount:
    """What of the bank connection a mail is judged by, and what payments must know of it."""

    account_key: str
    currency: str
    mailboxes: tuple[str, ...]
    inactive: bool
    automatic_limit: Decimal | None
    automatic_per_hour: int
    address_id: UUID


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail with all that judging it needs. `evidence` is JSON; None where none was gathered."""

    row: MailRow
    raw: bytes
    evidence: str | None
    account: BankAccount


async def load_mails(
    connection: Connection, tenant_id: UUID, mail_ids: Sequence[UUID]
) -> list[StoredMail]:
    """The tenant's mails of these ids, as far as they are there."""
    cursor = await connection.execute(
        f"""
        SELECT {COLUMNS}, raw, evidence, account_key, currency, forwarding_mailboxes, inactive,
               automatic_limit, automatic_per_hour, connection.address_id
        FROM mail
        JOIN mail_raw ON mail_raw.tenant_id = mail.tenant_id AND mail_raw.mail_id = mail.id
        JOIN connection ON connection.tenant_id = mail.tenant_id
                       AND connection.id = mail.connection_id
        WHERE mail.tenant_id = %s AND mail.id = ANY(%s)
        """,
        [tenant_id, list(mail_ids)],
        binary=True,
    )
    mails = []
    for row in await cursor.fetchall():
        *columns, raw, evidence, key, currency, mailboxes, inactive, limit, per_hour, address = row
        account = BankAccount(key, currency, tuple(mailboxes), inactive, limit, per_hour, address)
        mails.append(StoredMail(MailRow(*columns), raw, evidence, account))
    return mails


async def load_mail(connection: Connection, tenant_id: UUID, mail_id: UUID) -> StoredMail:
    """One mail of the tenant. Raises NotFound."""
    found = await load_mails(connection, tenant_id, [mail_id])
    if not found:
        raise _missing(mail_id)
    return found[0]


async def find_row(
    connection: Connection, tenant_id: UUID, mail_id: UUID, *, lock: bool = False
) -> MailRow:
    """One mail's row, locked until the transaction ends if wished. Raises NotFound."""
    async with connection.cursor(row_factory=class_row(MailRow)) as cursor:
        await cursor.execute(
            f"SELECT {COLUMNS} FROM mail WHERE tenant_id = %s AND id = %s"
            f"{' FOR UPDATE' if lock else ''}",
            [tenant_id, mail_id],
        )
        row = await cursor.fetchone()
    if row is None:
        raise _missing(mail_id)
    return row


async def list_rows(
    connection: Connection,
    tenant_id: UUID,
    *,
    connection_id: UUID | None,
    state: int,
    trust: int,
    after: UUID | None,
    limit: int,
) -> list[MailRow]:
    """The tenant's mails that agree with the filters (None or 0: all), newest first."""
    filters: list[tuple[str, object]] = [
        ("id < %s", after),
        ("connection_id = %s", connection_id),
        ("state = %s", state or None),
        ("trust = %s", trust or None),
    ]
    used = [(text, value) for text, value in filters if value is not None]
    conditions = "".join(f" AND {text}" for text, _ in used)
    async with connection.cursor(row_factory=class_row(MailRow)) as cursor:
        await cursor.execute(
            f"SELECT {COLUMNS} FROM mail WHERE tenant_id = %s{conditions}"
            " ORDER BY id DESC LIMIT %s",
            [tenant_id, *(value for _, value in used), limit],
        )
        return await cursor.fetchall()


def _missing(mail_id: UUID) -> NotFound:
    return NotFound(f"there is no mail {mail_id}; it may have been forgotten after its time")
