"""Fio banka, Czechia: the short form, one field a line, and the prose form. It signs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.banks.form import House
from sandbox.banks.ledger import Account, Movement
from sandbox.banks.letter import Letter
from sandbox.banks.printing import NBSP, printed

HOUSE: Final = House(
    name="fio",
    domain="fio.cz",
    sender="automat@fio.cz",
    host="mx-out.fio.cz",
    client_ip="127.0.0.11",
    zone=ZoneInfo("Europe/Prague"),
    dmarc="reject",
    signing=None,
)
FIRST_REFERENCE: Final = 4_711_000_000


@dataclass(frozen=True, slots=True)
class Short:
    """Prints neither date nor currency; the balance tells equal movements apart."""

    movements_max: int = 1

    def write(self, account: Account, movements: Sequence[Movement], message_id: str) -> Letter:
        """Tell of one movement."""
        (movement,) = movements
        transfer, incoming = movement.transfer, movement.amount > 0
        text = "Zpráva příjemci" if incoming else "US"
        lines = [
            f"{'Příjem' if incoming else 'Výdaj'} na kontě: {account.number}",
            f"Částka: {printed(abs(movement.amount))}",
            f"VS: {transfer.vs}",
            f"{text}: {transfer.message}",
            f"Aktuální zůstatek: {printed(movement.balance_after)}",
            f"Protiúčet: {transfer.counter_account}",
            f"SS: {transfer.ss}",
            f"KS: {transfer.ks}",
        ]
        return Letter(
            sender=HOUSE.sender,
            subject=f"Fio banka - {'prijem' if incoming else 'vydaj'} na konte",
            body="\n".join(lines),
            charset="iso-8859-2",
            encoding="quoted-printable",
            message_id=message_id,
            time=movement.time,
        )


@dataclass(frozen=True, slots=True)
class Prose:
    """Prints date, time, currency and the bank's own reference; missing values are no lines."""

    movements_max: int = 1

    def write(self, account: Account, movements: Sequence[Movement], message_id: str) -> Letter:
        """Tell of one movement."""
        (movement,) = movements
        transfer, incoming = movement.transfer, movement.amount > 0
        when = f"{movement.time:%d.%m.%Y} v {movement.time:%H:%M}"
        changed = "zvýšil" if incoming else "snížil"
        moved = f"{changed} o {printed(abs(movement.amount), NBSP)}"
        fields = [
            ("Typ pohybu", f"Okamžitá {'příchozí' if incoming else 'odchozí'} platba"),
            ("Protistrana", f"{transfer.counter_account} ({transfer.counterparty})"),
            ("ID pokynu", str(FIRST_REFERENCE + movement.number)),
            ("Variabilní symbol", transfer.vs),
            ("Konstantní symbol", transfer.ks),
            ("Specifický symbol", transfer.ss),
            ("Zpráva pro příjemce", transfer.message),
        ]
        lines = [
            "Dobrý den,",
            "",
            f"zůstatek účtu {account.number} se {when} {moved} {account.currency}.",
            "",
            "Další parametry",
            *(f"{label}: {value}" for label, value in fields if value),
            "",
            f"Aktuální zůstatek: {printed(movement.balance_after, NBSP)} {account.currency}",
            "",
            "Fio banka",
        ]
        return Letter(
            sender=HOUSE.sender,
            subject="Fio banka - zmena zustatku",
            body="\n".join(lines),
            charset="utf-8",
            encoding="base64",
            message_id=message_id,
            time=movement.time,
        )
