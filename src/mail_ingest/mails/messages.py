"""A mail as the contracts tell it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from mail_ingest.mails.model import MailRow
from spojka.api.mail.v1 import mail_service_pb2 as api


def mail_message(
    row: MailRow, addresses: Mapping[UUID, str], domain: str, next_attempt: datetime | None
) -> api.Mail:
    """The message of a stored mail; `addresses` are local parts by address id."""
    message = api.Mail.FromString(row.value)
    message.id = str(row.id)
    message.bank_connection_id = str(row.connection_id)
    message.client_ip = row.client_ip
    message.helo = row.helo
    message.envelope_from = row.envelope_from
    message.state = row.state  # type: ignore[assignment]
    message.trust = row.trust  # type: ignore[assignment]
    message.size_bytes = row.size_bytes
    message.attempts = row.attempts
    message.receive_time.FromDatetime(row.receive_time)
    if row.address_id in addresses:
        message.envelope_to = f"{addresses[row.address_id]}@{domain}"
    if row.redeliveries:
        times = "once" if row.redeliveries == 1 else f"{row.redeliveries} times"
        message.evidence.append(f"The same bytes came {times} more.")
    if next_attempt is not None:
        message.next_attempt_time.FromDatetime(next_attempt)
    return message
