"""Tatra banka, Slovakia: b-mail without accents, signed whole."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from sandbox.banks.form import House, SigningHabit
from sandbox.banks.ledger import Account, Movement
from sandbox.banks.letter import Letter
from sandbox.banks.printing import printed

HOUSE: Final = House(
    name="tatra",
    domain="tatrabanka.sk",
    sender="b-mail@tatrabanka.sk",
    host="mx-out.tatrabanka.sk",
    client_ip="127.0.0.13",
    zone=ZoneInfo("Europe/Bratislava"),
    dmarc=None,
    signing=SigningHabit(
        selector="mta",
        key_bits=2048,
        headers=(
            b"from",
            b"to",
            b"message-id",
            b"subject",
            b"mime-version",
            b"content-type",
            b"content-transfer-encoding",
            b"date",
        ),
    ),
)
BALANCE_COLUMN: Final = 45


@dataclass(frozen=True, slots=True)
class Bmail:
    """A sentence with the amount, three balances, then who paid and by what reference."""

    movements_max: int = 1

    def write(self, account: Account, movements: Sequence[Movement], message_id: str) -> Letter:
        """Tell of one movement."""
        (movement,) = movements
        time, transfer, incoming = movement.time, movement.transfer, movement.amount > 0
        when = f"{time.day}.{time.month}.{time.year} {time.hour}:{time:%M}"
        moved = f"{'zvyseny' if incoming else 'znizeny'} o {printed(abs(movement.amount))}"
        balance = f"{printed(movement.balance_after)} {account.currency}"
        lines = [
            "Vazeny klient,",
            "",
            f"{when} bol zostatok Vasho uctu {account.number} {moved} {account.currency}.",
            *(
                f"{kind} zostatok:".ljust(BALANCE_COLUMN) + balance
                for kind in ("uctovny", "aktualny", "disponibilny")
            ),
            "",
            f"Popis transakcie: CCINT {transfer.counter_account}",
            f"Referencia platitela: /VS{transfer.vs}/SS{transfer.ss}/KS{transfer.ks}          ",
            f"Ucet protistrany: {transfer.counterparty}",
            *([f"Informacia pre prijemcu: {transfer.message}"] if transfer.message else []),
            "",
            "S pozdravom",
            "",
            "TATRA BANKA, a.s.",
            "",
            "http://www.tatrabanka.sk",
        ]
        identity = f"{time:%d%m%y}/{320_000 + movement.number}-1"
        return Letter(
            sender=HOUSE.sender,
            subject=f"{'Kredit' if incoming else 'Debet'} na ucte (ID={identity})",
            body=_without_accents("\n".join(lines)),
            charset="iso-8859-2",
            encoding="7bit",
            message_id=message_id,
            time=time,
        )


def _without_accents(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
