"""ČSOB, Czechia: the business form (CEB), several movements in one mail.

Its signature leaves Content-Type out, so that the proof is its own delivery.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.banks.form import House, SigningHabit
from sandbox.banks.ledger import Account, Movement
from sandbox.banks.letter import Letter
from sandbox.banks.printing import NBSP, printed

HOUSE: Final = House(
    name="csob",
    domain="csob.cz",
    sender="notification@csob.cz",
    host="mx-out.csob.cz",
    client_ip="127.0.0.12",
    zone=ZoneInfo("Europe/Prague"),
    dmarc="reject",
    signing=SigningHabit(
        selector="alpha",
        key_bits=1024,
        headers=(
            b"date",
            b"from",
            b"to",
            b"message-id",
            b"subject",
            b"mime-version",
            b"content-transfer-encoding",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Ceb:
    """Each movement from a sentence with its date to a sentence with the balance after it."""

    movements_max: int = 50

    def write(self, account: Account, movements: Sequence[Movement], message_id: str) -> Letter:
        """Tell of some movements, oldest first."""
        if not 0 < len(movements) <= self.movements_max:
            raise ValueError(f"a mail tells of 1 to {self.movements_max} movements")
        lines = [
            "Vážený kliente,",
            "",
            "toto je automaticky generovaný e-mail ze služby ČSOB CEB, neodpovídejte na něj.",
            "",
        ]
        for movement in movements:
            lines += [*_block(account, movement), ""]
        lines += ["S přáním krásného dne", "Vaše ČSOB"]
        return Letter(
            sender=f"CSOB Notification <{HOUSE.sender}>",
            subject="CEB Info: Zaúčtování platby",
            body="\n".join(lines),
            charset="utf-8",
            encoding="quoted-printable",
            message_id=message_id,
            time=movements[-1].time,
        )


def _block(account: Account, movement: Movement) -> Iterator[str]:
    day, transfer = movement.time, movement.transfer
    what = "Příchozí úhrada" if movement.amount > 0 else "Odchozí úhrada"
    yield (
        f"Dne {day.day}.{day.month}.{day.year} byla na účtu {account.number} zaúčtována transakce "
        f"typu: {what}."
    )
    yield ""
    yield f"Název smlouvy: {account.owner}"
    yield "Číslo smlouvy: 12345678"
    yield f"Majitel smlouvy: {account.owner}"
    yield f"Účet: {account.number}, {account.currency}, {account.owner.upper()}"
    yield f"Částka: {printed(movement.amount, NBSP, signed=True)} {account.currency}"
    fields = [
        ("Účet protistrany", transfer.counter_account),
        ("Název protistrany", transfer.counterparty),
        ("Variabilní symbol", transfer.vs),
        ("Konstantní symbol", transfer.ks),
        ("Specifický symbol", transfer.ss),
        ("Zpráva příjemci", transfer.message),
    ]
    yield from (f"{label}: {value}" for label, value in fields if value)
    yield ""
    balance = printed(movement.balance_after, NBSP, signed=True)
    yield f"Zůstatek na účtu po zaúčtování transakce: {balance} {account.currency}."
