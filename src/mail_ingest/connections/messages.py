"""A bank connection as the contracts tell it."""

from collections.abc import Sequence

from mail_ingest.connections.addresses import Address
from mail_ingest.connections.model import BankConnectionRow
from spojka.api.payments.v1 import connection_service_pb2 as api
from spojka.values import format_decimal


def connection_message(
    row: BankConnectionRow, addresses: Sequence[Address], domain: str
) -> api.BankConnection:
    """The message of a connection and of its addresses that work, newest first."""
    message = api.BankConnection(
        id=str(row.id),
        name=row.name,
        account=row.account,
        currency=row.currency,
        inactive=row.inactive,
        automatic_limit=(
            format_decimal(row.automatic_limit) if row.automatic_limit is not None else ""
        ),
        automatic_per_hour=row.automatic_per_hour,
        forwarding_mailboxes=row.forwarding_mailboxes,
    )
    message.create_time.FromDatetime(row.create_time)
    for address in addresses:
        text = f"{address.local_part}@{domain}"
        if address.end_time is None:
            message.address = text
        elif not message.previous_address:
            message.previous_address = text
            message.previous_address_end_time.FromDatetime(address.end_time)
    return message
