"""The label reader: what can be read of a mail that no template knows. Always for a person.

It knows the words of Czech, Slovak, Romanian and English notices. It can't know
which of them the payer wrote, so nothing it reads is ever more than a proposal.
"""

import re
from collections.abc import Iterator
from typing import Final

from mail_ingest.banks.accounts import account_key, account_of
from mail_ingest.banks.amounts import MONEY, is_signed, parse_money
from mail_ingest.banks.dates import DATE, mail_date, parse_date_time
from mail_ingest.banks.doubts import Doubts
from mail_ingest.banks.labels import any_of
from mail_ingest.banks.reading import (
    CurrencySource,
    DateSource,
    Direction,
    Kind,
    Movement,
    Reading,
    ReadingContext,
)
from mail_ingest.banks.symbols import ReferenceSymbols, reference_symbols, symbols_of
from mail_ingest.message.mail import Message
from mail_ingest.message.text import Text

TEMPLATE: Final = "labels.1"
LINES_MAX: Final = 500
FINDING: Final = "no template knows this mail; it was read by its labels"

_LABELS: Final = {
    "amount": (
        "Částka v měně účtu", "Částka a měna", "Částka", "Suma", "Sumă", "Amount",
        "Amount and currency",
    ),
    "original": ("Částka v měně transakce", "Původní částka a měna", "Zaslaná částka platby"),
    "own": (
        "Číslo Vašeho účtu", "Číslo účtu", "Účet", "Váš účet", "změna na účtu",
        "Your account number", "Account", "Cont", "Contul", "În contul",
    ),
    "to": ("Na účet", "Na"),
    "from": ("Z účtu", "Z", "Od", "Din contul"),
    "counter": (
        "Číslo účtu protistrany", "Účet protistrany", "Číslo protiúčtu", "Protiúčet",
        "Účet partnera", "Counterparty account number", "IBAN ordonator", "V prospech účtu",
    ),
    "counter_bank": ("banka protistrany",),
    "name": (
        "Název protistrany", "Název účtu protistrany", "Název protiúčtu", "Názov protiúčtu",
        "Názov protistrany", "Counterparty name", "Ordonator",
    ),
    "vs": ("Variabilní symbol", "Variabilný symbol", "Variable symbol", "VS"),
    "ks": (
        "Konstantní symbol", "Konstatní symbol", "Konštantný symbol", "Constant symbol", "KS",
    ),
    "ss": ("Specifický symbol", "Špecifický symbol", "Specific symbol", "SS"),
    "message": (
        "Zpráva pro příjemce", "Zpráva příjemci", "Zpráva", "Informácia pre príjemcu", "Poznámka",
        "Popis", "Detaily transakce", "Detaily", "Detalii plată", "Detalii", "Explicații",
        "Message for recipient", "Description",
    ),
    "reference": ("Referencia platiteľa", "Referencia"),
    "bank_reference": ("Kód transakce", "Referința", "Transaction code"),
    "date": (
        "Datum a čas", "Datum zaúčtování", "Datum splatnosti", "Datum účtování", "Datum", "Dátum",
        "Data", "Date", "Due date", "Dne",
    ),
    "balance": (
        "Disponibilní zůstatek po pohybu", "Disponibilní zůstatek", "Dostupný zůstatek",
        "Aktuální zůstatek", "Účetní zůstatek",
        "Zostatok na účte po zaúčtovaní sumy platobnej operácie",
    ),
}  # fmt: skip
_LABEL = re.compile(
    "(?:" + "|".join(f"(?P<{name}>{any_of(texts)})" for name, texts in _LABELS.items()) + ")"
    r"(?: ?:[ \t]*|\t|\Z)"
)
_ACCOUNT: Final = (
    r"((?:[0-9]{1,6}-)?[0-9]{2,10}/[0-9]{4}(?![0-9])"
    r"|(?:sk|cz)[0-9]{2}(?: ?[0-9]{4}){5}(?![0-9])"
    r"|ro[0-9]{2}(?: ?[0-9a-z]{4}){5}(?![0-9a-z])"
    r"|[a-z]{2}[0-9]{2}[0-9a-z]{11,30})"
)
_OWN_SENTENCE = re.compile(
    r"(?:na (?:vasem )?uct[ue]|na ucet|z uctu|vasho uctu|contul(?: dumneavoastra)?)\b"
    rf"[^\n]{{0,60}}?(?<![0-9a-z-]){_ACCOUNT}"
)
_BOTH_SENTENCE = re.compile(rf"z uctu (?:cislo )?{_ACCOUNT} na ucet (?:cislo )?{_ACCOUNT}")
_AMOUNT_SENTENCE = re.compile(
    rf"\b(?:o castku|ve vysi|vo vyske|castka|cu suma de) (?P<amount>{MONEY})"
)
_DATE_SENTENCE = re.compile(rf"\b(?:dne|dna|ze dne|datum splatnosti) (?P<date>{DATE})")
_VS_SENTENCE = re.compile(r"variabilni symbol platby ([0-9]{1,20})")
_IN = re.compile(
    r"zvysil|zvyseny|prichozi|dorazila|prisl[ya]|kredit|creditat|incasare|dosla platba|vklad|prijem"
)
_OUT = re.compile(
    r"snizil|znizeny|odchozi|odesl[ya]|debet|debit|blokac|vydaj|platba kartou|autorizace karty"
)
_NOT_EXECUTED = re.compile(
    r"bude na uctu|ceka na|neprovedeni|nebyla provedena|zamitnut|odmietnut|nebola vykonana"
)
_HOLD = re.compile(r"blokac|blokovan|autorizace karty")
_ACCOUNT_AND_NAME = re.compile(rf"{_ACCOUNT}[/ ,]*(.*)", re.IGNORECASE)


def read_by_labels(message: Message, context: ReadingContext) -> Reading | None:
    """Read a mail by its labels; None when no amount stands behind one. May raise MessageError."""
    for text in message.texts():
        doubts = Doubts()
        doubts.say(FINDING)
        movement = _movement(message, context, text, doubts)
        if movement is not None:
            return Reading(
                kind=movement.kind,
                template=TEMPLATE,
                movements=(movement,),
                findings=doubts.findings,
            )
    return None


def _movement(
    message: Message, context: ReadingContext, text: Text, doubts: Doubts
) -> Movement | None:
    fields = _fields(text, doubts)
    _fill_from_sentences(fields, text, context)
    money = doubts.read("amount", parse_money, fields.get("amount", ""))
    if money is None or money[0] == 0:
        return None
    direction = _direction(fields, text, doubts)
    own, (counter, raw, name) = _accounts(fields, direction, doubts)
    when = doubts.read("date", parse_date_time, fields.get("date", ""))
    reference, wording = fields.get("reference", ""), fields.get("message", "")
    printed = doubts.read("reference", reference_symbols, reference) or ReferenceSymbols()
    symbols = symbols_of(
        doubts,
        vs=fields.get("vs", "") or printed.vs or "",
        ks=fields.get("ks", "") or printed.ks or "",
        ss=fields.get("ss", "") or printed.ss or "",
        message=f"{reference} {wording}",
    )
    balance = doubts.read("balance", parse_money, fields.get("balance", "").rstrip("."))
    original = doubts.read("original amount", parse_money, fields.get("original", ""))
    kind = _kind(text, direction)
    currency = money[1] or context.currency
    if currency is None:
        doubts.say("the mail names no currency")
        return None
    converted = original is not None and original[1] != currency
    return Movement(
        kind=kind,
        direction=direction,
        amount=abs(money[0]),
        currency=currency,
        currency_source=CurrencySource.BODY if money[1] else CurrencySource.OWN_ACCOUNT,
        date=when[0] if when else mail_date(message, context.receive_time, context.zone),
        date_source=DateSource.BODY if when else DateSource.HEADER,
        time=when[1] if when else None,
        own_account=own,
        counter_account=counter,
        counter_account_raw=raw,
        counterparty_name=fields.get("name") or name,
        vs=symbols.vs,
        vs_raw=symbols.vs_raw,
        vs_source=symbols.vs_source,
        ks=symbols.ks,
        ss=symbols.ss,
        message=wording or None,
        end_to_end=reference or None,
        bank_reference=fields.get("bank_reference") or None,
        balance_after=balance[0] if balance else None,
        original_amount=abs(original[0]) if original and converted else None,
        original_currency=original[1] if original and converted else None,
        booked=kind not in {Kind.CARD_HOLD, Kind.NOT_EXECUTED},
    )


def _fields(text: Text, doubts: Doubts) -> dict[str, str]:
    """Collect the labels' values, on their line or the next; the first of each counts."""
    fields: dict[str, str] = {}
    awaited: str | None = None
    for line in _pieces(text):
        match = _LABEL.match(line.folded)
        name = match.lastgroup if match else None
        if match is None or name is None:
            if awaited is not None:
                fields.setdefault(awaited, line.original)
            awaited = None
            continue
        value = line.original[match.end() :].strip()
        if value and fields.setdefault(name, value) != value:
            doubts.say(f"{_LABELS[name][0]!r} stands in the mail more than once")
        awaited = None if value or name in fields else name
    return fields


def _pieces(text: Text) -> Iterator[Text]:
    """Go through the lines; items that share a line, `- a: x - b: y`, come one by one."""
    for line in text.lines()[:LINES_MAX]:
        if not line.folded.startswith("- "):
            yield line
            continue
        for piece in line.original[2:].split(" - "):
            yield Text.of(piece)


def _fill_from_sentences(fields: dict[str, str], text: Text, context: ReadingContext) -> None:
    """Take from the notice's sentences what no label told."""
    if both := _BOTH_SENTENCE.search(text.folded):
        fields.setdefault("from", both[1])
        fields.setdefault("to", both[2])
        own = {both[1], both[2]}.intersection(context.own_accounts)
        if len(own) == 1:
            fields["own"] = own.pop()
    elif own_account := _OWN_SENTENCE.search(text.folded):
        fields.setdefault("own", own_account[1])
    found = _AMOUNT_SENTENCE.finditer(text.folded)
    amounts = {match["amount"].strip(" .,") for match in found}
    if len(amounts) == 1:
        fields.setdefault("amount", amounts.pop())
    if day := _DATE_SENTENCE.search(text.folded):
        fields.setdefault("date", day["date"])
    if vs := _VS_SENTENCE.search(text.folded):
        fields.setdefault("vs", vs[1])


def _direction(fields: dict[str, str], text: Text, doubts: Doubts) -> Direction:
    """Tell the direction by the amount's sign, else by the side that is ours, else by words."""
    if is_signed(fields["amount"]):
        return Direction.IN if fields["amount"].startswith("+") else Direction.OUT
    if (own := fields.get("own")) and own in {fields.get("from"), fields.get("to")}:
        return Direction.IN if own == fields.get("to") else Direction.OUT
    came, went = _IN.search(text.folded), _OUT.search(text.folded)
    if came is None and went is None:
        doubts.say("the mail does not tell whether money came or went")
    if went is not None and (came is None or went.start() < came.start()):
        return Direction.OUT
    return Direction.IN


def _accounts(
    fields: dict[str, str], direction: Direction, doubts: Doubts
) -> tuple[str | None, tuple[str | None, str | None, str | None]]:
    """Tell the own account from the other by what is labelled, or by the direction."""
    came = direction is Direction.IN
    own = fields.get("own") or fields.get("to" if came else "from", "")
    counter = fields.get("counter", "")
    if not counter:
        sides = [fields.get("from", ""), fields.get("to", "")]
        others = [side for side in (sides if came else sides[::-1]) if side and side != own]
        counter = others[0] if others else ""
    if bank := fields.get("counter_bank", ""):
        account = doubts.read("counter-account", lambda number: account_of(number, bank), counter)
        return _account(own, doubts)[0], (account, None if account else counter or None, None)
    return _account(own, doubts)[0] or own or None, _account(counter, doubts)


def _account(printed: str, doubts: Doubts) -> tuple[str | None, str | None, str | None]:
    """Read `account[/name]`: the account, what is printed instead of one, and the name."""
    match = _ACCOUNT_AND_NAME.fullmatch(printed)
    if match is None:
        return None, printed or None, None
    account = doubts.read("account", account_key, match[1])
    same = account is not None and account == "".join(match[1].split())
    return account, None if same else match[1], match[2] or None


def _kind(text: Text, direction: Direction) -> Kind:
    if _NOT_EXECUTED.search(text.folded):
        return Kind.NOT_EXECUTED
    if _HOLD.search(text.folded):
        return Kind.CARD_HOLD
    if direction is Direction.IN:
        return Kind.INCOMING_PAYMENT
    return Kind.CARD_PAYMENT if "kart" in text.folded else Kind.OUTGOING_PAYMENT
