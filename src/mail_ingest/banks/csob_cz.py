"""ČSOB, Czechia (bank code 0300): the business form (CEB) and the retail form (Moje info).

A business mail holds several movements, each from `Dne … zaúčtována …` to
`Zůstatek na účtu po zaúčtování transakce: …`. Its payer's text may run over
lines, so a payer can write lines that look like another movement; what a payer
can't write is the head with the contract's number, and a balance that goes on
from the one before. A block without the first one's head is text; balances that
don't go on bring a person.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, pairwise, takewhile
from typing import Final

from mail_ingest.banks.accounts import account_key, account_of
from mail_ingest.banks.amounts import MONEY, is_signed, parse_money
from mail_ingest.banks.dates import DATE, parse_date
from mail_ingest.banks.doubts import Doubts
from mail_ingest.banks.labels import Block, Label, words
from mail_ingest.banks.reading import Direction, Kind, Movement, Reading, ReadingContext, kind_of
from mail_ingest.banks.symbols import symbols_of
from mail_ingest.banks.template import Template
from mail_ingest.message.mail import Anchor, Message
from mail_ingest.message.text import Text
from spojka.values import ZERO

BANK: Final = "csob_cz"
BANK_CODE: Final = "0300"
MOVEMENTS_MAX: Final = 200
HEAD_CHARACTERS_MAX: Final = 1_000

_GAP: Final = "[ \n]"
_SENTENCE: Final = (
    rf"^dne{_GAP}(?P<date>{DATE}){_GAP}byl[ao]?{_GAP}{words('na účtu', _GAP)}{_GAP}"
    rf"(?P<own>(?:[0-9]{{1,6}}-)?[0-9]{{2,10}}(?:/[0-9]{{4}})?){_GAP}{words('zaúčtován')}[aoy\ufffd?]?"
    rf"{_GAP}(?P<what>[^:.]{{1,80}}(?:: ?[^:.]{{1,80}})?)\.$"
)
_RETAIL_HEADING: Final = rf"\n+{words('Parametry platby')}:?$"
_BUSINESS_START = re.compile(rf"{_SENTENCE}(?!{_RETAIL_HEADING})", re.MULTILINE)
_RETAIL_START = re.compile(rf"{_SENTENCE}{_RETAIL_HEADING}", re.MULTILINE)
_CLOSING = re.compile(
    rf"^{words('Zůstatek na účtu po zaúčtování transakce', _GAP)}:{_GAP}(?P<balance>{MONEY})\.?$",
    re.MULTILINE,
)

_SYMBOLS: Final = (
    Label("vs", ("Variabilní symbol",), 7),
    Label("ks", ("Konstantní symbol",), 7),
    Label("ss", ("Specifický symbol",), 7),
)
_ACCOUNT_LINE = re.compile(words("Účet") + " ?:")
_BUSINESS = Block(
    [
        Label("contract", ("Název smlouvy",), 0),
        Label("contract_number", ("Číslo smlouvy",), 0),
        Label("owner", ("Majitel smlouvy",), 0),
        Label("account", ("Účet",), 1),
        Label("original", ("Zaslaná částka platby",), 2),
        Label("rate", ("Kurz",), 2),
        Label("amount", ("Částka",), 3),
        Label("counter", ("Účet protistrany", "Účet protistrany/IBAN"), 4),
        Label("name", ("Název protistrany",), 5),
        Label("address", ("Adresa protistrany",), 6),
        *_SYMBOLS,
        Label("reference", ("Číslo transakce ČSOB",), 7),
        Label("payer_reference", ("Reference plátce",), 7),
        Label("end_to_end", ("Identifikace",), 7),
        Label(
            "message", ("Zpráva příjemci", "Zpráva pro příjemce", "Účel platby"), 8, closing=True
        ),
    ]
)
_RETAIL_BLOCK = Block(
    [
        Label("account", ("Účet",), 1),
        Label("counter", ("Účet protistrany",), 2),
        Label("name", ("Název protistrany",), 3),
        Label("date", ("Datum účtování", "Datum zaúčtování"), 4),
        Label("amount", ("Částka",), 5),
        *_SYMBOLS,
        Label("message", ("Zpráva pro příjemce", "Zpráva příjemci"), 8, closing=True),
    ],
    below=True,
)


class Business:
    """CEB: any number of movements, several lines each."""

    name: Final = "csob_cz.ceb.1"
    bank: Final = BANK

    def anchor(self, message: Message) -> Anchor | None:
        """See Template."""
        return message.anchor(_BUSINESS_START)

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """See Template."""
        del context  # this form prints all there is to know
        doubts = Doubts()
        text = message.body(_BUSINESS_START)
        found = [
            _movement(block, _BUSINESS.read(block.fields.lines(), doubts), doubts)
            for block in (_blocks(text, doubts) if text else ())
        ]
        movements = tuple(movement for movement in found if movement is not None)
        _check_balances(movements, doubts)
        return Reading(
            kind=kind_of(movements),
            bank=BANK,
            template=self.name,
            movements=movements,
            findings=doubts.findings,
        )


class Retail:
    """Moje info: one movement, each label above its value."""

    name: Final = "csob_cz.mojeinfo.1"
    bank: Final = BANK

    def anchor(self, message: Message) -> Anchor | None:
        """See Template."""
        return message.anchor(_RETAIL_START)

    def read(self, message: Message, context: ReadingContext) -> Reading:
        """See Template."""
        del context  # this form prints all there is to know
        doubts = Doubts()
        text = message.body(_RETAIL_START)
        start = _RETAIL_START.search(text.folded) if text else None
        movements: tuple[Movement, ...] = ()
        if text and start:
            if _BUSINESS_START.search(text.folded, start.end()):
                doubts.say("the payer's text looks like another movement")
            block = _closed(text, start, start.end(), len(text.folded), doubts)
            fields = _RETAIL_BLOCK.read(block.fields.lines(), doubts)
            movement = _movement(block, fields, doubts)
            movements = (movement,) if movement else ()
        return Reading(
            kind=kind_of(movements),
            bank=BANK,
            template=self.name,
            movements=movements,
            findings=doubts.findings,
        )


TEMPLATES: Final[tuple[Template, ...]] = (Business(), Retail())


@dataclass(frozen=True, slots=True)
class _Block:
    """One movement's part of the text: its first sentence, its fields, its closing balance."""

    date: str
    own: str
    what: str
    fields: Text
    balance: str


def _blocks(text: Text, doubts: Doubts) -> list[_Block]:
    """Split a business mail. What lacks the first block's contract belongs to the one before."""
    starts = list(islice(_BUSINESS_START.finditer(text.folded), MOVEMENTS_MAX + 1))
    if len(starts) > MOVEMENTS_MAX:
        doubts.say(f"the mail tells of more than {MOVEMENTS_MAX} movements")
        del starts[MOVEMENTS_MAX:]
    genuine = starts[:1]
    for start in starts[1:]:
        if _contract(text, start) == _contract(text, genuine[0]):
            genuine.append(start)
        else:
            doubts.say("the payer's text looks like another movement")
    ends = [start.start() for start in genuine[1:]] + [len(text.folded)]
    blocks = []
    for start, end in zip(genuine, ends, strict=True):
        blocks.append(_closed(text, start, start.end(), end, doubts))
    return blocks


def _contract(text: Text, start: re.Match[str]) -> list[str]:
    """Return the lines between a movement's sentence and its account: the contract's."""
    head = text.part(start.end(), start.end() + HEAD_CHARACTERS_MAX).lines()
    lines = takewhile(lambda line: _ACCOUNT_LINE.match(line.folded) is None, head)
    return [line.original for line in lines]


def _closed(text: Text, start: re.Match[str], begin: int, end: int, doubts: Doubts) -> _Block:
    """Cut a block at its last closing sentence: the payer's text stands before the bank's."""
    closings = list(_CLOSING.finditer(text.folded, begin, end))
    if not closings:
        doubts.say("a movement has no closing balance")
    elif len(closings) > 1:
        doubts.say("the payer's text looks like the bank's fields")
    last = closings[-1] if closings else None
    if last and end < len(text.folded) and text.folded[last.end() : end].strip():
        doubts.say("there is text between two movements")
    return _Block(
        date=start["date"],
        own=start["own"],
        what=start["what"],
        fields=text.part(begin, last.start() if last else end),
        balance=text.found(last, "balance") if last else "",
    )


def _movement(block: _Block, fields: Mapping[str, str], doubts: Doubts) -> Movement | None:
    printed = fields.get("amount", "")
    money = doubts.read("amount", parse_money, printed)
    day = doubts.read("date", parse_date, fields.get("date") or block.date)
    amount, currency = money or (ZERO, None)
    if amount == ZERO or currency is None or day is None:
        doubts.say("a movement has no amount with its currency, or no date")
        return None
    direction = Direction.OUT if amount < 0 else Direction.IN
    own = doubts.read("own account", _own, block.own)
    _check_account(fields.get("account", ""), own, currency, doubts)
    message = fields.get("message", "")
    symbols = symbols_of(
        doubts,
        vs=fields.get("vs", ""),
        ks=fields.get("ks", ""),
        ss=fields.get("ss", ""),
        message=message,
    )
    counter, raw = _counter(fields.get("counter", ""), doubts)
    original = doubts.read("original amount", parse_money, fields.get("original", ""))
    balance = doubts.read("balance", parse_money, block.balance)
    return Movement(
        kind=_kind(block.what, direction, signed=is_signed(printed), doubts=doubts),
        direction=direction,
        amount=abs(amount),
        currency=currency,
        date=day,
        own_account=own,
        counter_account=counter,
        counter_account_raw=raw,
        counterparty_name=fields.get("name") or None,
        vs=symbols.vs,
        vs_raw=symbols.vs_raw,
        vs_source=symbols.vs_source,
        ks=symbols.ks,
        ss=symbols.ss,
        message=message or None,
        end_to_end=fields.get("end_to_end") or None,
        bank_reference=fields.get("reference") or None,
        balance_after=balance[0] if balance else None,
        original_amount=abs(original[0]) if original else None,
        original_currency=original[1] if original else None,
    )


def _own(number: str) -> str:
    return account_of(number, BANK_CODE)


def _check_account(printed: str, own: str | None, currency: str, doubts: Doubts) -> None:
    """Compare the block's own line (`number[/bank][, currency, title]`) with its sentence."""
    parts = [part.strip() for part in printed.split(",", 2)]
    if doubts.read("own account", _own, parts[0]) != own:
        doubts.say("the own account differs between the sentence and the fields")
    if len(parts) > 1 and parts[1] != currency:
        doubts.say(f"the amount is in {currency}, the account in {parts[1][:10]}")


def _counter(printed: str, doubts: Doubts) -> tuple[str | None, str | None]:
    account = doubts.read("counter-account", account_key, printed)
    same = account is not None and account == "".join(printed.split())
    return account, None if same else printed or None


def _kind(what: str, direction: Direction, *, signed: bool, doubts: Doubts) -> Kind:
    """Tell the kind by the transaction's name; it and the sign must agree."""
    if not signed:
        doubts.say("the amount has no sign")
    came_in = any(word in what for word in ("prichozi", "dosla"))
    if any(word in what for word in ("storn", "oprav", "vracen")) or (
        came_in and direction is Direction.OUT
    ):
        doubts.say("the bank takes an earlier movement back; nothing is undone by itself")
        return Kind.REVERSAL
    if "odchozi" in what and direction is Direction.IN:
        doubts.say("an outgoing movement has a positive amount")
    if "kartou" in what and direction is Direction.IN:
        doubts.say("card money comes in one sum for many orders")
        return Kind.CARD_SETTLEMENT
    if "kartou" in what:
        return Kind.CARD_PAYMENT
    if any(word in what for word in ("poplat", "urok", "dan")):
        return Kind.FEE
    return Kind.INCOMING_PAYMENT if direction is Direction.IN else Kind.OUTGOING_PAYMENT


def _check_balances(movements: Sequence[Movement], doubts: Doubts) -> None:
    """Each balance must go on from the one before: a payer can't know it, so can't forge it."""
    for before, movement in pairwise(movements):
        if (before.own_account, before.currency) != (movement.own_account, movement.currency):
            doubts.say("the mail tells of several accounts")
        elif before.balance_after is None or movement.balance_after is None:
            continue  # said already
        elif before.balance_after + _signed(movement) != movement.balance_after:
            doubts.say("the balances of the movements don't go on from each other")


def _signed(movement: Movement) -> Decimal:
    return movement.amount if movement.direction is Direction.IN else -movement.amount
