"""Fio banka, Czechia (bank code 2010): the short form, the prose form and the balance.

The short form prints neither date nor currency: the day is the mail's, the
currency the account's. Its payer's text stands between the bank's fields, so
the fields before it are taken from the notice's start and those behind it from
its end.
"""

import re
from decimal import Decimal
from typing import Final

from mail_ingest.banks.accounts import account_key, account_of
from mail_ingest.banks.amounts import MONEY, parse_money
from mail_ingest.banks.dates import DATE, TIME, mail_date, parse_date, parse_time
from mail_ingest.banks.doubts import Doubts
from mail_ingest.banks.labels import Block, Label, any_of, words
from mail_ingest.banks.reading import (
    Balance,
    CurrencySource,
    DateSource,
    Direction,
    Kind,
    Movement,
    Reading,
    ReadingContext,
    kind_of,
)
from mail_ingest.banks.symbols import symbols_of
from mail_ingest.banks.template import Template
from mail_ingest.message.mail import Anchor, Message
from mail_ingest.message.text import Text

BANK: Final = "fio_cz"
BANK_CODE: Final = "2010"
ZONE: Final = "Europe/Prague"
# What an account without a currency of its own in the mail is kept in.
HOME_CURRENCY: Final = "CZK"

_NUMBER: Final = r"(?:[0-9]{1,6}-)?[0-9]{2,10}"
_CARD: Final = "platba kartou"
_REFUND: Final = "kredit:"
_ACCOUNT_AND_NAME = re.compile(r"([0-9-]{2,17}/[0-9]{4})(?: \((.*)\))?")


class Short:
    """One field per line, or all on one: `Příjem na kontě: … Částka: … VS: …`."""

    name: Final = "fio_cz.short.1"
    bank: Final = BANK

    _START = rf"^(?:(?P<in>{words('Příjem')})|{words('Výdaj')}) {words('na kontě')}: ?"
    _TAIL = words("Aktuální zůstatek")
    _GAP = r"\s{1,2}"
    _anchors = re.compile(_START, re.MULTILINE)
    _notice = re.compile(
        rf"{_START}(?P<own>{_NUMBER}){_GAP}"
        rf"{words('Částka')}: ?(?P<amount>{MONEY}){_GAP}"
        rf"vs:[ ]?(?P<vs>[0-9]{{0,20}}){_GAP}"
        rf"(?:{any_of(['Zpráva příjemci', 'Zpráva pro příjemce'])}|us):(?P<message>.*){_GAP}"
        rf"{_TAIL}: ?(?P<balance>{MONEY}){_GAP}"
        rf"{words('Protiúčet')}:(?P<counter>[^:\n]{{0,100}}){_GAP}"
        rf"ss:[ ]?(?P<ss>[0-9]{{0,20}}){_GAP}"
        rf"ks:[ ]?(?P<ks>[0-9]{{0,20}})(?=\s|\Z)",
        re.MULTILINE | re.DOTALL,
    )
    # A label that the payer's text has no business to hold.
    _suspicious = re.compile(
        rf"{_TAIL}:|^(?:{any_of(['Částka', 'VS', 'SS', 'KS', 'Protiúčet'])}):"
        rf"|{words('na kontě')}:",
        re.MULTILINE,
    )

    def anchor(self, message: Message) -> Anchor | None:
        """See Template."""
        return message.anchor(self._anchors)

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """See Template."""
        doubts = Doubts()
        text = message.body(self._anchors)
        # Only at the first anchor: another one further down stands in the payer's text.
        start = text and self._anchors.search(text.folded)
        found = text and start and self._notice.match(text.folded, start.start())
        if not text or not found:
            doubts.say("the fields of the notice are not all there, in their order")
            return Reading(
                kind=Kind.UNKNOWN, bank=BANK, template=self.name, findings=doubts.findings
            )
        if found.start() > 0:
            doubts.say("there is text before the notice")
        movement = self._movement(message, context, text, found, doubts)
        movements = (movement,) if movement else ()
        return Reading(
            kind=kind_of(movements),
            bank=BANK,
            template=self.name,
            movements=movements,
            findings=doubts.findings,
        )

    def _movement(
        self,
        message: Message,
        context: ReadingContext,
        text: Text,
        found: re.Match[str],
        doubts: Doubts,
    ) -> Movement | None:
        amount, currency, source = _money(text.found(found, "amount"), context, doubts)
        if amount is None:
            return None
        if self._suspicious.search(found["message"].lstrip("\n")):
            doubts.say("the payer's text looks like the bank's fields")
        direction = Direction.IN if found["in"] is not None else Direction.OUT
        wording = " ".join(text.found(found, "message").split())
        counter = _counter(text.found(found, "counter"), doubts)
        kind = _kind(direction, found["counter"].strip(), found["message"].strip())
        if direction is Direction.IN and not counter[0] and kind is Kind.INCOMING_PAYMENT:
            doubts.say("a credit without the payer's account: card money, cash or the bank itself")
        symbols = symbols_of(
            doubts, vs=found["vs"], ks=found["ks"], ss=found["ss"], message=wording
        )
        return Movement(
            kind=kind,
            direction=direction,
            amount=amount,
            currency=currency,
            currency_source=source,
            date=mail_date(message, context.receive_time, ZONE),
            date_source=DateSource.HEADER,
            own_account=doubts.read("own account", _own, found["own"]),
            counter_account=counter[0],
            counter_account_raw=counter[1],
            vs=symbols.vs,
            vs_raw=symbols.vs_raw,
            vs_source=symbols.vs_source,
            ks=symbols.ks,
            ss=symbols.ss,
            message=wording or None,
            balance_after=_balance(text.found(found, "balance"), doubts),
        )


class Prose:
    """A sentence with date and amount, then labels; missing values are missing lines."""

    name: Final = "fio_cz.prose.1"
    bank: Final = BANK

    _GAP = "[ \n]"
    _sentence = re.compile(
        rf"^{words('zůstatek účtu', _GAP)}{_GAP}(?P<own>{_NUMBER}){_GAP}se{_GAP}(?P<date>{DATE})"
        rf"{_GAP}v{_GAP}(?P<time>{TIME}){_GAP}(?:(?P<in>{words('zvýšil')})|{words('snížil')})"
        rf"{_GAP}o{_GAP}(?P<amount>{MONEY})\.?$",
        re.MULTILINE,
    )
    _balance_line = re.compile(
        rf"^{words('Aktuální zůstatek')}: ?(?P<balance>{MONEY})$", re.MULTILINE
    )
    _heading = re.compile(words("Další parametry") + ":?")
    _block = Block(
        [
            Label("type", ("Typ pohybu",), 0),
            Label("counter", ("Protistrana",), 1),
            Label("reference", ("ID pokynu",), 2),
            Label("vs", ("Variabilní symbol",), 3),
            Label("ks", ("Konstantní symbol",), 3),
            Label("ss", ("Specifický symbol",), 3),
            Label("us", ("Uživatelský symbol",), 3),
            Label("message", ("Zpráva pro příjemce", "Zpráva příjemci"), 4, closing=True),
        ]
    )

    def anchor(self, message: Message) -> Anchor | None:
        """See Template."""
        return message.anchor(self._sentence)

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """See Template."""
        doubts = Doubts()
        text = message.body(self._sentence)
        found = text and self._sentence.search(text.folded)
        movement = self._movement(context, text, found, doubts) if text and found else None
        movements = (movement,) if movement else ()
        return Reading(
            kind=kind_of(movements),
            bank=BANK,
            template=self.name,
            movements=movements,
            findings=doubts.findings,
        )

    def _movement(
        self, context: ReadingContext, text: Text, found: re.Match[str], doubts: Doubts
    ) -> Movement | None:
        amount, currency, source = _money(text.found(found, "amount"), context, doubts)
        day = doubts.read("date", parse_date, found["date"])
        if amount is None or day is None:
            return None
        # The last balance line is the bank's: the payer's text stands before it.
        balances = list(self._balance_line.finditer(text.folded, found.end()))
        end = balances[-1] if balances else None
        if end is None:
            doubts.say("the closing balance is missing")
        elif len(balances) > 1 or self._sentence.search(text.folded, found.end()):
            doubts.say("the payer's text looks like the bank's fields")
        lines = text.part(found.end(), end.start() if end else len(text.folded)).lines()
        if lines and self._heading.fullmatch(lines[0].folded):
            del lines[0]
        fields = self._block.read(lines, doubts)
        direction = Direction.IN if found["in"] is not None else Direction.OUT
        counter, raw, name = _counterparty(fields.get("counter", ""), doubts)
        message = fields.get("message", "")
        symbols = symbols_of(
            doubts,
            vs=fields.get("vs", ""),
            ks=fields.get("ks", ""),
            ss=fields.get("ss", ""),
            message=message,
        )
        return Movement(
            kind=_kind_by_type(direction, Text.of(fields.get("type", "")).folded),
            direction=direction,
            amount=amount,
            currency=currency,
            currency_source=source,
            date=day,
            time=doubts.read("time", parse_time, found["time"]),
            own_account=doubts.read("own account", _own, found["own"]),
            counter_account=counter,
            counter_account_raw=raw,
            counterparty_name=name,
            vs=symbols.vs,
            vs_raw=symbols.vs_raw,
            vs_source=symbols.vs_source,
            ks=symbols.ks,
            ss=symbols.ss,
            message=message or None,
            bank_reference=fields.get("reference") or None,
            balance_after=_balance(text.found(end, "balance") if end else "", doubts),
        )


class BalanceOnly:
    """`Zůstatek na účtě N: X`, and nothing else."""

    name: Final = "fio_cz.balance.1"
    bank: Final = BANK

    _notice = re.compile(
        rf"\A{words('Zůstatek na')} {any_of(['účtě', 'účtu'])} (?P<own>{_NUMBER}):"
        rf" ?(?P<amount>{MONEY})$",
        re.MULTILINE,
    )

    def anchor(self, message: Message) -> Anchor | None:
        """See Template."""
        return message.anchor(self._notice)

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """See Template."""
        doubts = Doubts()
        text = message.body(self._notice)
        found = text and self._notice.search(text.folded)
        balance = None
        if text and found:
            amount, currency, _ = _money(text.found(found, "amount"), context, doubts, signed=True)
            own = doubts.read("own account", _own, found["own"])
            if amount is not None and own is not None:
                balance = Balance(own, amount, currency)
        return Reading(
            kind=Kind.BALANCE_INFO,
            bank=BANK,
            template=self.name,
            balance=balance,
            findings=doubts.findings,
        )


TEMPLATES: Final[tuple[Template, ...]] = (Short(), Prose(), BalanceOnly())


def _own(number: str) -> str:
    return account_of(number, BANK_CODE)


def _money(
    printed: str, context: ReadingContext, doubts: Doubts, *, signed: bool = False
) -> tuple[Decimal | None, str, CurrencySource]:
    """Read an amount; where no currency is printed it is the account's."""
    money = doubts.read("amount", parse_money, printed)
    if money is None:
        return None, "", CurrencySource.BODY
    amount, currency = money
    if not signed and amount <= 0:
        doubts.say(f"the amount {printed!r} is not above zero")
        return None, "", CurrencySource.BODY
    if currency is not None:
        return amount, currency, CurrencySource.BODY
    return amount, context.currency or HOME_CURRENCY, CurrencySource.OWN_ACCOUNT


def _balance(printed: str, doubts: Doubts) -> Decimal | None:
    money = doubts.read("balance", parse_money, printed)
    return money[0] if money else None


def _counter(printed: str, doubts: Doubts) -> tuple[str | None, str | None]:
    """Return the counter-account and, where it is none or looks otherwise, what is printed."""
    if "/" not in printed or printed == "/":
        return None, printed or None
    account = doubts.read("counter-account", account_key, printed)
    return account, printed if account != printed else None


def _counterparty(printed: str, doubts: Doubts) -> tuple[str | None, str | None, str | None]:
    """Take `number/bank (name)` apart: the account, what is printed instead, and the name."""
    match = _ACCOUNT_AND_NAME.fullmatch(printed)
    if match is None:
        return None, printed or None, None
    account, raw = _counter(match[1], doubts)
    return account, raw, match[2] or None


def _kind(direction: Direction, counter: str, message: str) -> Kind:
    if direction is Direction.OUT:
        return Kind.CARD_PAYMENT if counter == _CARD else Kind.OUTGOING_PAYMENT
    if counter == _CARD or ("/" not in counter and message.startswith(_REFUND)):
        return Kind.CARD_REFUND
    return Kind.INCOMING_PAYMENT


def _kind_by_type(direction: Direction, kind: str) -> Kind:
    if "kart" in kind:
        return Kind.CARD_PAYMENT if direction is Direction.OUT else Kind.CARD_REFUND
    if any(word in kind for word in ("poplatek", "urok", "dan z")):
        return Kind.FEE
    if any(word in kind for word in ("storno", "oprava", "vraceni")):
        return Kind.REVERSAL
    return Kind.INCOMING_PAYMENT if direction is Direction.IN else Kind.OUTGOING_PAYMENT
