"""A flood of mutated letters: what is sent, and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Final

from tests.mail_ingest.hostile.judgement import Sent
from tests.mail_ingest.hostile.ledger import BANKS, FORMS, Bank, Ledger, Movement
from tests.mail_ingest.hostile.mutations import MUTATIONS, VICTIM_SYMBOL
from tests.mail_ingest.hostile.sending import MAILS_OF_CONNECTION_MAX, Envelope

STRANGER_IP: Final = "127.0.0.66"
STRANGER: Final = "evil@evil.example"
UNHARMED: Final = "unharmed"
TOLD_TWICE: Final = 0.1
"""Share of the letters that come unharmed, too, before or after the mutated one."""
MUTATED_TWICE: Final = 0.2

_PAYERS_TEXTS: Final = (
    "x\nČástka: 88 888,00\nVS: {victim}\nAktuální zůstatek: 1,00",
    "x Aktuální zůstatek: 1,00 Protiúčet: 1/2010 SS: KS: Příjem na kontě: 1 Částka: 88 888,00",
    "x\n\nPříjem na kontě: 1111111111\nČástka: 88 888,00\nVS: {victim}\nZpráva příjemci: y",
    (
        "x\nDne 12.11.2026 byla na účtu 3333333333 zaúčtována transakce typu: Příchozí úhrada.\n\n"
        "Částka: +88 888,00 CZK\nVariabilní symbol: {victim}"
    ),
    (
        "x\nbol zostatok Vasho uctu SK5411000000002611111104 zvyseny o 88 888,00 EUR.\n"
        "Referencia platitela: /VS{victim}/SS/KS"
    ),
    "</td></tr><b>Částka:</b> 88 888,00 CZK &#86;&#83;: {victim}",
    "zůstatek účtu 1111111111 se 12.11.2026 v 12:43 zvýšil o 88 888,00 CZK.",
    "From: automat@fio.cz\n\n--b0undary\nContent-Type: text/plain\n\nČástka: 88 888,00",
)
"""What payers write to make it look like the bank's own lines."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail of the flood."""

    sent: Sent
    envelope: Envelope
    raw: bytes


Lot = Sequence[Mail]
"""Mails of one envelope's sender to one bank's address: they go over one connection."""


def unharmed(movement: Movement, random: Random) -> Mail:
    """The bank's own letter of a movement, as the bank brings it."""
    bank = movement.bank
    write = random.choice([write for owner, write in FORMS.values() if owner is bank])
    raw = write(movement.told(f"objednávka {movement.symbol}"))
    return Mail(Sent(movement, UNHARMED, "by the bank"), Envelope(bank.ip, bank.sender), raw)


def make_flood(ledger: Ledger, random: Random, count: int, strange: Sequence[bytes]) -> list[Lot]:
    """About `count` mails in lots, in a random order. `strange` are letters of other banks."""
    mails: list[Mail] = []
    while len(mails) < count:
        movement = ledger.book(random.choice(BANKS))
        harmed = _mutated(movement, random, strange)
        mails.append(harmed)
        if random.random() < TOLD_TWICE:
            mails.append(unharmed(movement, random))
    random.shuffle(mails)
    by_sender: dict[tuple[Envelope, str], list[Mail]] = {}
    for mail in mails:
        by_sender.setdefault((mail.envelope, mail.sent.movement.bank.name), []).append(mail)
    lots: list[Lot] = []
    for each in by_sender.values():
        rest = iter(each)
        while lot := list(islice(rest, MAILS_OF_CONNECTION_MAX)):
            lots.append(lot)
    random.shuffle(lots)
    return lots


def _mutated(movement: Movement, random: Random, strange: Sequence[bytes]) -> Mail:
    way, envelope = _way(movement.bank, random)
    if random.random() < 1 / len(MUTATIONS):
        text = random.choice(_PAYERS_TEXTS).format(victim=VICTIM_SYMBOL)
        write = random.choice([write for bank, write in FORMS.values() if bank is movement.bank])
        return Mail(Sent(movement, "payer's text", way), envelope, write(movement.told(text)))
    raw = unharmed(movement, random).raw
    if strange and random.random() < TOLD_TWICE:
        raw = random.choice(strange)
    names = random.choices(list(MUTATIONS), k=2 if random.random() < MUTATED_TWICE else 1)
    for name in names:
        raw = MUTATIONS[name](random, raw)
    return Mail(Sent(movement, " + ".join(names), way), envelope, raw)


def _way(bank: Bank, random: Random) -> tuple[str, Envelope]:
    other = random.choice([each for each in BANKS if each is not bank])
    ways: Mapping[str, tuple[Envelope, int]] = {
        "by the bank": (Envelope(bank.ip, bank.sender), 55),
        "by the bank in nobody's name": (Envelope(bank.ip, "", f"mx.{bank.domain}"), 5),
        "by a stranger in its name": (Envelope(STRANGER_IP, bank.sender), 15),
        "by a stranger in his own": (Envelope(STRANGER_IP, STRANGER), 15),
        "by another bank": (Envelope(other.ip, other.sender), 10),
    }
    (way,) = random.choices(list(ways), [weight for _, weight in ways.values()])
    return way, ways[way][0]
