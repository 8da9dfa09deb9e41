"""Mails as banks write them, made by us: what goes in is known, so what comes out can be judged."""

import base64
import quopri
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

NBSP = "\u00a0"


def mail(
    body: str,
    *,
    sender: str = "bank@bank.example",
    subject: str = "Notice",
    charset: str = "utf-8",
    encoding: str = "quoted-printable",
    subtype: str = "plain",
    date: str = "Tue, 10 Nov 2026 09:19:39 +0100",
) -> bytes:
    """Wrap a body as a mail of one part, its lines ending in CRLF."""
    content = body.replace("\n", "\r\n").encode(charset)
    if encoding == "quoted-printable":
        content = quopri.encodestring(content)
    elif encoding == "base64":
        content = base64.encodebytes(content)
    head = (
        f"Date: {date}\r\nFrom: {sender}\r\nTo: bmail-test@pay.example\r\n"
        f"Message-ID: <1@bank.example>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: text/{subtype}; charset="{charset}"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + content


def multipart(*parts: bytes, kind: str = "mixed", boundary: str = "b0undary") -> bytes:
    """Wrap parts (each with headers of its own) in a multipart mail."""
    lines = b"".join(b"--" + boundary.encode() + b"\r\n" + part + b"\r\n" for part in parts)
    head = (
        "Date: Tue, 10 Nov 2026 09:19:39 +0100\r\nFrom: bank@bank.example\r\nSubject: Notice\r\n"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'
    )
    return head.encode() + lines + b"--" + boundary.encode() + b"--\r\n"


def part(
    content: str | bytes,
    media_type: str = "text/plain",
    *,
    disposition: str | None = None,
    name: str | None = None,
) -> bytes:
    """Write one part of a multipart: base64, UTF-8."""
    data = content.encode() if isinstance(content, str) else content
    head = f'Content-Type: {media_type}; charset="utf-8"'
    head += f'; name="{name}"' if name else ""
    head += "\r\nContent-Transfer-Encoding: base64\r\n"
    head += f"Content-Disposition: {disposition}\r\n" if disposition else ""
    return head.encode() + b"\r\n" + base64.encodebytes(data)


def printed(amount: Decimal, blank: str = " ", *, signed: bool = False) -> str:
    """Print an amount as Czech and Slovak banks do: `1 249,00`."""
    text = f"{abs(amount):,.2f}".replace(",", "_").replace(".", ",").replace("_", blank)
    sign = ("-" if amount < 0 else "+") if signed else ""
    return sign + text


def account_number(number: int) -> str:
    """Return the first number from `number` on whose weighed sum is divisible by 11."""
    weights = (6, 3, 7, 9, 10, 5, 8, 4, 2, 1)
    while sum(w * int(d) for w, d in zip(weights, f"{number:010}", strict=True)) % 11:
        number += 1
    return str(number)


@dataclass(frozen=True)
class Told:
    """What a letter tells: one movement, as a bank knows it."""

    amount: Decimal = Decimal("1249.00")
    incoming: bool = True
    own: str = "1111111111"
    counter: str = "2222222222/0800"
    name: str = "Vzorová Eva"
    vs: str = "26000147"
    ks: str = "0308"
    ss: str = ""
    message: str = "objednávka 26000147"
    balance: Decimal = Decimal("168459.32")
    day: str = "12.11.2026"
    time: str = "12:43"


def fio_short(told: Told, *, one_line: bool = False, blank: str = " ") -> str:
    """Fio's short form; a card's debit has the words "platba kartou" as its counter."""
    text = "Zpráva příjemci" if told.incoming else "US"
    lines = [
        f"{'Příjem' if told.incoming else 'Výdaj'} na kontě: {told.own}",
        f"Částka: {printed(told.amount, blank)}",
        f"VS: {told.vs}",
        f"{text}: {told.message}",
        f"Aktuální zůstatek: {printed(told.balance, blank)}",
        f"Protiúčet: {told.counter}",
        f"SS: {told.ss}",
        f"KS: {told.ks}",
    ]
    return " ".join(line.replace("\n", " ") for line in lines) if one_line else "\n".join(lines)


def fio_prose(told: Told, *, blank: str = NBSP, kind: str = "Příchozí platba") -> str:
    """Fio's prose form: values that are missing are lines that are missing."""
    symbols = [("Variabilní", told.vs), ("Konstantní", told.ks), ("Specifický", told.ss)]
    moved = f"{'zvýšil' if told.incoming else 'snížil'} o {printed(told.amount, blank)} CZK."
    return "\n".join(
        [
            "Dobrý den,",
            "",
            f"zůstatek účtu {told.own} se {told.day} v {told.time} {moved}",
            "",
            "Další parametry",
            f"Typ pohybu: {kind}",
            f"Protistrana: {told.counter} ({told.name})",
            "ID pokynu: 4711000001",
            *(f"{label} symbol: {value}" for label, value in symbols if value),
            *([f"Zpráva pro příjemce: {told.message}"] if told.message else []),
            "",
            f"Aktuální zůstatek: {printed(told.balance, blank)} CZK",
            "",
            "Fio banka",
        ]
    )


def csob_retail(told: Told, *, blank: str = " ") -> str:
    """ČSOB's Moje info: each label above its value."""
    amount = told.amount if told.incoming else -told.amount
    fields = [
        ("Účet", f"{told.own}/0300"),
        ("Účet protistrany", told.counter),
        ("Název protistrany", told.name),
        ("Datum účtování", told.day),
        ("Částka", f"{printed(amount, blank, signed=True)} CZK"),
        ("Variabilní symbol", told.vs),
        ("Konstantní symbol", told.ks),
        ("Specifický symbol", told.ss),
        ("Zpráva pro příjemce", told.message),
    ]
    kind = f"{'Příchozí' if told.incoming else 'Odchozí'} úhrada"
    balance = f"{printed(told.balance, blank, signed=True)} CZK"
    return "\n".join(
        [
            "Dobrý den,",
            f"dne {told.day} byla na účtu {told.own} zaúčtována transakce typu: {kind}.",
            "",
            "Parametry platby",
            *(f"{label}\n{value}" for label, value in fields if value),
            f"Zůstatek na účtu po zaúčtování transakce: {balance}.",
            "",
            "Příjemný den.",
        ]
    )


@dataclass(frozen=True)
class Contract:
    """What stands at the head of each movement of a CEB mail."""

    name: str = "Vzor International a.s."
    number: str = "12345678"
    title: str = "E-SHOP VZOR S.R.O."
    currency: str = "CZK"


@dataclass(frozen=True)
class Foreign:
    """What a foreign payment adds to a CEB movement."""

    sent: str = "150,00 EUR"
    rate: str = "23,878"
    reference: str = "9876543210"
    end_to_end: str = "NOTPROVIDED"
    purpose: str = field(default="VZOR HANDEL BV ORDER V.S\n. 6869282912")


def csob_business_block(
    told: Told,
    *,
    contract: Contract | None = None,
    foreign: Foreign | None = None,
    what: str | None = None,
    blank: str = NBSP,
) -> str:
    """One movement of a CEB mail."""
    head = contract or Contract()
    amount = told.amount if told.incoming else -told.amount
    name = what or f"transakce typu: {'Příchozí' if told.incoming else 'Odchozí'} úhrada"
    symbols = [("Variabilní", told.vs), ("Konstantní", told.ks), ("Specifický", told.ss)]
    lines = [
        f"Dne {told.day} byla na účtu {told.own} zaúčtována {name}.",
        "",
        f"Název smlouvy: {head.name}",
        f"Číslo smlouvy: {head.number}",
        "Majitel smlouvy: E-shop Vzor s.r.o.",
        f"Účet: {told.own}, {head.currency}, {head.title}",
    ]
    if foreign:
        lines += [f"Zaslaná částka platby: {foreign.sent}", f"Kurz: {foreign.rate}"]
    lines += [
        f"Částka: {printed(amount, blank, signed=True)} {head.currency}",
        f"Účet protistrany: {told.counter}",
        f"Název protistrany: {told.name}",
        *(f"{label} symbol: {value}       " for label, value in symbols if value),
    ]
    if foreign:
        lines += [
            f"Číslo transakce ČSOB: {foreign.reference}",
            f"Identifikace: {foreign.end_to_end}",
            f"Účel platby: {foreign.purpose}",
        ]
    elif told.message:
        lines.append(f"Zpráva příjemci: {told.message}")
    balance = printed(told.balance, blank, signed=True)
    closing = f"Zůstatek na účtu po zaúčtování transakce: {balance} {head.currency}."
    return "\n".join([*lines, "", closing])


def csob_business(*blocks: str) -> str:
    """Put the movements of a CEB mail together."""
    return "\n\n".join(["Vážený kliente,", *blocks, "S přáním krásného dne\nVaše ČSOB"])


@dataclass(frozen=True)
class Slovak:
    """What a Tatra banka letter tells, where it differs from a Czech one."""

    own: str = "SK5411000000002611111104"
    described: str = "CCINT 1100/000000-2922222207"
    reference: str = "/VS26000147/SS123/KS308"
    currency: str = "EUR"


def tatra(told: Told, slovak: Slovak | None = None) -> str:
    """Tatra banka's b-mail of a movement: without accents."""
    more = slovak or Slovak()
    balance = f"{printed(told.balance)} {more.currency}"
    text = [
        ("Popis transakcie", more.described),
        ("Referencia platitela", more.reference),
        ("Ucet protistrany", told.name),
        ("Informacia pre prijemcu", told.message),
    ]
    moved = f"{'zvyseny' if told.incoming else 'znizeny'} o {printed(told.amount)} {more.currency}"
    return "\n".join(
        [
            "Vazeny klient,",
            "",
            f"{told.day} {told.time} bol zostatok Vasho uctu {more.own} {moved}.",
            f"uctovny zostatok:                            {balance}",
            f"aktualny zostatok:                           {balance}",
            f"disponibilny zostatok:                       {balance}",
            "",
            *(f"{label}: {value}" for label, value in text if value),
            "",
            "S pozdravom",
            "",
            "TATRA BANKA, a.s.",
        ]
    )


def tatra_balance(told: Told, slovak: Slovak | None = None) -> str:
    """Tatra banka's b-mail of a balance."""
    more = slovak or Slovak()
    balance = f"{printed(told.balance)} {more.currency}"
    return (
        f"Vazeny klient,\n\n{told.day} {told.time} bol zostatok Vasho uctu {more.own}:\n"
        f"uctovny zostatok:       {balance}\naktualny zostatok:      {balance}\n\nS pozdravom\n"
    )


def tatra_gateway(fields: Sequence[tuple[str, str]]) -> str:
    """A line of CardPay: `NAME=value` parted by blanks."""
    return " ".join(f"{name}={value}" for name, value in fields)
