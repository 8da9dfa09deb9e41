"""What a request says of a bank connection, checked and made into columns."""

import re
from typing import Any, Final

from stdnum.cz import bankaccount
from stdnum.exceptions import ValidationError

from mail_ingest.banks.accounts import account_key
from spojka.api.payments.v1 import connection_service_pb2 as api
from spojka.errors import InvalidArgument, Violation
from spojka.values import parse_decimal

MAILBOX_MAX_LENGTH: Final = 254
_MAILBOX: Final = re.compile(r"[^\s<>@,;\"]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+\Z")


def columns(message: api.BankConnection) -> dict[str, Any]:
    """The columns that a connection's editable fields make.

    Raises InvalidArgument for an account that is none (an IBAN is checked
    modulo 97, a Czech or Slovak number modulo 11) and for a mailbox that is no
    address.
    """
    mailboxes = sorted({mailbox.strip().lower() for mailbox in message.forwarding_mailboxes})
    violations = [
        Violation("connection.forwarding_mailboxes", f"{mailbox!r} is not an e-mail address")
        for mailbox in mailboxes
        if len(mailbox) > MAILBOX_MAX_LENGTH or not _MAILBOX.match(mailbox)
    ]
    key = ""
    try:
        key = account_key(message.account, _country(message.account))
    except ValueError as error:
        violations.append(Violation("connection.account", str(error)))
    if violations:
        raise InvalidArgument(violations)
    return {
        "name": message.name or message.account,
        "account": message.account.strip(),
        "account_key": key,
        "currency": message.currency,
        "inactive": message.inactive,
        "automatic_limit": (
            parse_decimal(message.automatic_limit) if message.automatic_limit else None
        ),
        "automatic_per_hour": message.automatic_per_hour,
        "forwarding_mailboxes": mailboxes,
    }


def _country(account: str) -> str:
    """Whose a domestic number is: Czech and Slovak bank codes are parts of one older range."""
    try:
        return "CZ" if "bank" in bankaccount.info(account) else "SK"
    except ValidationError:
        # An IBAN says it itself.
        return "CZ"
