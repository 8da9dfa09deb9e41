"""Tatra banka, Slovakia (bank code 1100): b-mail of movements and balances, and gateway lines.

The mails are written without accents. "Ucet protistrany" is a name, despite
its label; the account stands in "Popis transakcie", its bank first.
"""

import re
from datetime import date
from decimal import Decimal
from typing import Final

from mail_ingest.banks.accounts import account_key, account_of
from mail_ingest.banks.amounts import MONEY, parse_currency, parse_money, parse_number
from mail_ingest.banks.dates import DATE, TIME, parse_date, parse_time
from mail_ingest.banks.doubts import Doubts
from mail_ingest.banks.labels import Block, Label
from mail_ingest.banks.reading import (
    Balance,
    Direction,
    Kind,
    Movement,
    Reading,
    ReadingContext,
    kind_of,
)
from mail_ingest.banks.symbols import ReferenceSymbols, reference_symbols, symbols_of
from mail_ingest.banks.template import Template
from mail_ingest.message.mail import Anchor, Message
from mail_ingest.message.text import Text

BANK: Final = "tatra_sk"
COUNTRY: Final = "SK"

_OWN: Final = r"(?P<own>[a-z]{2}[0-9]{2}(?: ?[0-9a-z]{4}){3,7}(?: ?[0-9a-z]{1,3})?)"
_GAP: Final = "[ \n]"
_END = re.compile(r"^s pozdravom,?$", re.MULTILINE)
_NOTICE_ID = re.compile(r"\(ID=([0-9A-Za-z/_-]{3,40})\)")
_DOMESTIC = re.compile(r"(?:[a-z0-9 ]{0,30} )?([0-9]{4})/((?:[0-9]{1,6}-)?[0-9]{2,10})")
_IBAN = re.compile(rf"(?:[a-z0-9]{{2,10}} )?{_OWN}")
_CARD = re.compile(r"(?:platba kartou|cp) [0-9*x ]{4,25},? ?(.*)")
_BALANCES: Final = (
    Label("booked", ("uctovny zostatok",), 0),
    Label("current", ("aktualny zostatok",), 0),
    Label("disposable", ("disponibilny zostatok",), 0),
)


class Account:
    """`… bol zostatok Vasho uctu … zvyseny|znizeny o …`: a movement on the account."""

    name: Final = "tatra_sk.bmail.1"
    bank: Final = BANK

    _sentence = re.compile(
        rf"^(?P<date>{DATE}){_GAP}(?P<time>{TIME}){_GAP}bol{_GAP}zostatok{_GAP}vasho{_GAP}uctu"
        rf"{_GAP}?{_OWN}{_GAP}(?:(?P<in>zvyseny)|znizeny){_GAP}o{_GAP}(?P<amount>{MONEY})\.?$",
        re.MULTILINE,
    )
    _block = Block(
        [
            *_BALANCES,
            Label("what", ("Popis transakcie",), 1),
            Label("reference", ("Referencia platitela",), 2),
            Label("name", ("Ucet protistrany",), 3),
            Label("message", ("Informacia pre prijemcu",), 4, closing=True),
        ]
    )

    def anchor(self, message: Message) -> Anchor | None:
        """See Template."""
        return message.anchor(self._sentence)

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """See Template."""
        del context  # this form prints all there is to know
        doubts = Doubts()
        text = message.body(self._sentence)
        found = text and self._sentence.search(text.folded)
        movement = self._movement(message, text, found, doubts) if text and found else None
        movements = (movement,) if movement else ()
        return Reading(
            kind=kind_of(movements),
            bank=BANK,
            template=self.name,
            movements=movements,
            findings=doubts.findings,
        )

    def _movement(
        self, message: Message, text: Text, found: re.Match[str], doubts: Doubts
    ) -> Movement | None:
        money = doubts.read("amount", parse_money, text.found(found, "amount"))
        day = doubts.read("date", parse_date, found["date"])
        if money is None or money[1] is None or money[0] <= 0 or day is None:
            doubts.say("the movement has no amount above zero with its currency, or no date")
            return None
        if self._sentence.search(text.folded, found.end()):
            doubts.say("the payer's text looks like another movement")
        # The last farewell is the bank's: the payer's text stands before it.
        farewells = list(_END.finditer(text.folded, found.end()))
        if not farewells:
            doubts.say("the end of the notice is missing")
        end = farewells[-1].start() if farewells else len(text.folded)
        fields = self._block.read(text.part(found.end(), end).lines(), doubts)
        direction = Direction.IN if found["in"] is not None else Direction.OUT
        kind, counter, raw, merchant = _described(fields.get("what", ""), direction, doubts)
        reference, wording = fields.get("reference", ""), fields.get("message", "")
        printed = doubts.read("reference", reference_symbols, reference) or ReferenceSymbols()
        symbols = symbols_of(
            doubts,
            vs=printed.vs or "",
            ks=printed.ks or "",
            ss=printed.ss or "",
            message=f"{reference} {wording}",
        )
        identity = _NOTICE_ID.search(message.subject)
        balance = doubts.read("balance", parse_money, fields.get("booked", ""))
        return Movement(
            kind=kind,
            direction=direction,
            amount=money[0],
            currency=money[1],
            date=day,
            time=doubts.read("time", parse_time, found["time"]),
            own_account=doubts.read("own account", account_key, found["own"]),
            counter_account=counter,
            counter_account_raw=raw,
            counterparty_name=fields.get("name") or merchant,
            vs=symbols.vs,
            vs_raw=symbols.vs_raw,
            vs_source=symbols.vs_source,
            ks=symbols.ks,
            ss=symbols.ss,
            message=wording or None,
            end_to_end=reference or None,
            bank_reference=identity[1] if identity else None,
            balance_after=balance[0] if balance else None,
        )


class BalanceOnly:
    """`Stav na ucte`: the balances of an account, and no movement."""

    name: Final = "tatra_sk.balance.1"
    bank: Final = BANK

    _sentence = re.compile(
        rf"^(?:{DATE}{_GAP}{TIME}{_GAP})?(?:bol{_GAP}|je{_GAP})?(?:zostatok|stav){_GAP}"
        rf"(?:na{_GAP})?(?:vasho{_GAP}uctu|vasom{_GAP}ucte){_GAP}?{_OWN}"
        rf"(?:[ :]{{1,3}}(?:je{_GAP})?(?P<amount>{MONEY}))?[.:]?$",
        re.MULTILINE,
    )
    _block = Block(_BALANCES)

    def anchor(self, message: Message) -> Anchor | None:
        """See Template."""
        return message.anchor(self._sentence)

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """See Template."""
        del context  # this form prints all there is to know
        doubts = Doubts()
        text = message.body(self._sentence)
        found = text and self._sentence.search(text.folded)
        balance = None
        if text and found:
            end = _END.search(text.folded, found.end())
            lines = text.part(found.end(), end.start() if end else len(text.folded)).lines()
            fields = self._block.read(lines, doubts)
            printed = text.found(found, "amount") or fields.get("booked", "")
            money = doubts.read("balance", parse_money, printed)
            own = doubts.read("own account", account_key, found["own"])
            if money is not None and money[1] is not None and own is not None:
                balance = Balance(own, money[0], money[1])
        return Reading(
            kind=Kind.BALANCE_INFO,
            bank=BANK,
            template=self.name,
            balance=balance,
            findings=doubts.findings,
        )


class Gateway:
    """A line of CardPay or TatraPay: a card was charged. No money is on the account yet."""

    name: Final = "tatra_sk.gateway.1"
    bank: Final = BANK

    _line = re.compile(r"\Aamt=[0-9.]{1,16} curr=[0-9]{3}(?: [a-z_]{1,20}=\S{0,400}){2,20}\Z")
    _token = re.compile(r"(\w+)=(\S*)")
    _stamp = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])")

    def anchor(self, message: Message) -> Anchor | None:
        """See Template."""
        return message.anchor(self._line)

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """See Template."""
        del context  # the line says all there is to know
        doubts = Doubts()
        text = message.body(self._line)
        tokens = self._token.findall(text.original) if text else []
        fields = dict(reversed(tokens))
        if len(fields) != len(tokens):
            doubts.say("the gateway's line holds a field twice")
        movement = self._movement(fields, doubts)
        return Reading(
            kind=Kind.GATEWAY_NOTICE,
            bank=BANK,
            template=self.name,
            movements=(movement,) if movement else (),
            findings=doubts.findings,
        )

    def _movement(self, fields: dict[str, str], doubts: Doubts) -> Movement | None:
        amount: Decimal | None = doubts.read("amount", parse_number, fields.get("AMT", ""))
        currency = doubts.read("currency", parse_currency, fields.get("CURR", ""))
        moment = doubts.read("timestamp", self._moment, fields.get("TIMESTAMP", ""))
        if amount is None or currency is None or moment is None:
            doubts.say("the gateway's line has no amount, currency or time")
            return None
        symbols = symbols_of(
            doubts,
            vs=fields.get("VS", ""),
            ks=fields.get("CS", ""),
            ss=fields.get("SS", ""),
            message="",
        )
        return Movement(
            kind=Kind.GATEWAY_NOTICE,
            direction=Direction.OUT if fields.get("TXN") == "CB" else Direction.IN,
            amount=amount,
            currency=currency,
            date=moment[0],
            time=moment[1],
            own_account=None,
            vs=symbols.vs,
            vs_raw=symbols.vs_raw,
            vs_source=symbols.vs_source,
            ks=symbols.ks,
            ss=symbols.ss,
            bank_reference=fields.get("TID") or None,
            booked=False,
            subtype="card_gateway",
            result=fields.get("RES") or None,
        )

    def _moment(self, stamp: str) -> tuple[date, str]:
        match = self._stamp.fullmatch(stamp)
        if match is None:
            raise ValueError(f"{stamp[:40]!r} is not ddmmyyyyhhmmss")
        day, month, year = int(match[1]), int(match[2]), int(match[3])
        return date(year, month, day), f"{match[4]}:{match[5]}:{match[6]}"


TEMPLATES: Final[tuple[Template, ...]] = (Account(), BalanceOnly(), Gateway())


def _described(
    what: str, direction: Direction, doubts: Doubts
) -> tuple[Kind, str | None, str | None, str | None]:
    """Read "Popis transakcie": the kind, the counter-account, as printed, and a card's merchant."""
    folded = Text.of(what).folded
    if card := _CARD.fullmatch(folded):
        merchant = what[card.start(1) :].strip() or None
        out = direction is Direction.OUT
        return (Kind.CARD_PAYMENT if out else Kind.CARD_REFUND), None, None, merchant
    if any(word in folded for word in ("storno", "oprava", "stornovan")):
        doubts.say("the bank takes an earlier movement back; nothing is undone by itself")
        return Kind.REVERSAL, None, what, None
    account: str | None = None
    raw: str | None = what or None
    if domestic := _DOMESTIC.fullmatch(folded):
        raw = f"{domestic[1]}/{domestic[2]}"
        account = doubts.read(
            "counter-account", lambda number: account_of(number, domestic[1], COUNTRY), domestic[2]
        )
    elif foreign := _IBAN.fullmatch(folded):
        account = doubts.read("counter-account", account_key, foreign["own"])
        raw = None if account else what
    if account is None and any(word in folded for word in ("poplat", "urok", "dan z")):
        return Kind.FEE, None, raw, None
    out = direction is Direction.OUT
    return (Kind.OUTGOING_PAYMENT if out else Kind.INCOMING_PAYMENT), account, raw, None
