"""The values that reading a mail gives: movements, a balance, a confirmation, and doubts."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a mail, or one movement in it, tells of."""

    INCOMING_PAYMENT = "incoming_payment"
    OUTGOING_PAYMENT = "outgoing_payment"
    CARD_PAYMENT = "card_payment"
    CARD_HOLD = "card_hold"
    CARD_REFUND = "card_refund"
    # Card money of many orders in one sum.
    CARD_SETTLEMENT = "card_settlement"
    # A fee, interest or tax.
    FEE = "fee"
    # The bank took an earlier movement back.
    REVERSAL = "reversal"
    # Announced, waiting or refused: no money moved.
    NOT_EXECUTED = "not_executed"
    MULTI_PAYMENT = "multi_payment"
    BALANCE_INFO = "balance_info"
    # A payment gateway's line: a card was charged, nothing reached the account yet.
    GATEWAY_NOTICE = "gateway_notice"
    ADDRESS_VERIFICATION = "address_verification"
    # Encrypted, archived or damaged.
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"


class Direction(StrEnum):
    """Which way the money went, seen from the own account."""

    IN = "in"
    OUT = "out"


class DateSource(StrEnum):
    """Where a movement's date was read."""

    BODY = "body"
    HEADER = "header"


class SymbolSource(StrEnum):
    """Where a variable symbol was read: the bank's own field, or the payer's text."""

    FIELD = "field"
    MESSAGE = "message"


class CurrencySource(StrEnum):
    """Where a currency was read; some banks print none."""

    BODY = "body"
    OWN_ACCOUNT = "own_account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One movement on the own account, as the bank's own fields tell it.

    Amounts are never negative: `direction` says the sign. Accounts are in the
    normal form of `accounts`. What the bank did not print is None.
    """

    kind: Kind
    direction: Direction
    amount: Decimal
    currency: str
    currency_source: CurrencySource = CurrencySource.BODY
    date: date
    date_source: DateSource = DateSource.BODY
    # HH:MM or HH:MM:SS, as exact as it is printed, in the bank's zone.
    time: str | None = None
    own_account: str | None
    counter_account: str | None = None
    # As printed, where it says more than the normal form.
    counter_account_raw: str | None = None
    counterparty_name: str | None = None
    vs: str | None = None
    # As printed in the bank's field.
    vs_raw: str | None = None
    vs_source: SymbolSource | None = None
    ks: str | None = None
    ss: str | None = None
    message: str | None = None
    end_to_end: str | None = None
    bank_reference: str | None = None
    balance_after: Decimal | None = None
    original_amount: Decimal | None = None
    original_currency: str | None = None
    # False for holds and for what has not reached the account.
    booked: bool = True
    # Only a few kinds have these: "card_gateway", and the gateway's "OK" or "FAIL".
    subtype: str | None = None
    result: str | None = None

    @property
    def reverses_vs(self) -> str | None:
        """The symbol of the credit that a reversal takes back."""
        return self.vs if self.kind is Kind.REVERSAL else None


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account holds, from a mail that tells of no movement."""

    own_account: str
    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A request to confirm the address: shown to a person, never followed by us.

    `provider` is named only for senders we know, such as "google".
    """

    provider: str | None
    code: str | None
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read out of one mail.

    `findings` are sentences for people: why a person has to look before any of
    it is believed. A reading without findings is complete.
    """

    kind: Kind
    # Such as "fio_cz" and "fio_cz.prose.1"; bank None means that no template knows the mail.
    bank: str | None = None
    template: str | None = None
    movements: tuple[Movement, ...] = ()
    balance: Balance | None = None
    confirmation: Confirmation | None = None
    findings: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True when everything was read and nothing was left over or in doubt."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What is known of the mail besides its bytes.

    `receive_time` is aware. `currency` and `own_accounts` are the connection's
    (normal form); they fill in what a bank does not print and never replace
    what it prints. `zone` is the time zone of mails of banks we don't know.
    """

    receive_time: datetime
    own_accounts: tuple[str, ...] = ()
    currency: str | None = None
    zone: str = "Europe/Prague"


def kind_of(movements: tuple[Movement, ...]) -> Kind:
    """Return the kind of a mail by its movements."""
    if not movements:
        return Kind.UNKNOWN
    return movements[0].kind if len(movements) == 1 else Kind.MULTI_PAYMENT
