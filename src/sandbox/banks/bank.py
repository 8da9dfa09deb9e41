"""One bank: it keeps books, and writes to its clients of what it booked."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from sandbox.banks.courier import Accepted, Courier
from sandbox.banks.faults import Effect, Faults
from sandbox.banks.form import Form, House
from sandbox.banks.ledger import Account, Ledger, Movement, Transfer
from sandbox.banks.signing import Signer
from sandbox.banks.zone import Zone, mail_domain

POSTED_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Posted:
    """A mail that was delivered: its bytes, to whom, from where, and when it was taken."""

    raw: bytes
    recipient: str
    client_ip: str
    accepted: Accepted


@dataclass(slots=True)
class Bank:
    """A bank with its clients. `form` is how it writes; some banks have several."""

    house: House
    form: Form
    courier: Courier
    signer: Signer | None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ledger: Ledger = field(default_factory=Ledger)
    faults: Faults = field(default_factory=Faults)
    posted: list[Posted] = field(default_factory=list)

    def appear_in(self, zone: Zone) -> None:
        """Say in DNS where its mail comes from, and by which key it is signed."""
        house = self.house
        mail_domain(
            zone, house.domain, host=house.host, addresses=[house.client_ip], dmarc=house.dmarc
        )
        if self.signer is not None:
            zone.put_text(self.signer.record_name, self.signer.record)

    def open_account(self, account: Account) -> Account:
        """Take a client."""
        return self.ledger.open(account)

    def book(self, number: str, transfer: Transfer) -> Movement:
        """Book a transfer at the bank's local time, and tell nobody yet. Raises NoSuchAccount."""
        return self.ledger.book(number, transfer, self.clock().astimezone(self.house.zone))

    async def take(self, number: str, transfer: Transfer) -> tuple[Movement, Posted]:
        """Book a transfer and tell the account's one address of it."""
        movement = self.book(number, transfer)
        (posted,) = await self.tell([movement])
        return movement, posted

    async def tell(self, movements: Sequence[Movement]) -> list[Posted]:
        """Write one mail of some movements of one account to all its addresses.

        Each call writes a mail of its own, with another Message-ID. Returns what
        was delivered, a repetition included. Raises NoSuchAccount, Refused, GaveUp.
        """
        account = self.ledger.account(movements[0].account)
        delivered: list[Posted] = []
        for recipient in account.notified:
            faults = self.faults.take()
            raw = self.write(movements, recipient, wrongly=Effect.WRONG_SIGNATURE in faults)
            elsewhere = faults.get(Effect.ELSEWHERE)
            client_ip = elsewhere.address if elsewhere else self.house.client_ip
            if late := faults.get(Effect.DELAY):
                await asyncio.sleep(late.seconds)
            times = 2 if Effect.TWICE in faults else 1
            delivered += [await self.post(raw, recipient, client_ip) for _ in range(times)]
        return delivered

    def write(
        self, movements: Sequence[Movement], recipient: str, *, wrongly: bool = False
    ) -> bytes:
        """The bytes of a mail of these movements, signed where the bank signs."""
        account = self.ledger.account(movements[0].account)
        message_id = f"{secrets.token_hex(8)}@{self.house.domain}"
        raw = self.form.write(account, movements, message_id).to(recipient)
        return raw if self.signer is None else self.signer.signed(raw, wrongly=wrongly)

    async def post(self, raw: bytes, recipient: str, client_ip: str) -> Posted:
        """Deliver bytes in the bank's name. Raises Refused, GaveUp."""
        accepted = await self.courier.deliver(
            raw, sender=self.house.sender, recipient=recipient, client_ip=client_ip
        )
        posted = Posted(raw, recipient, client_ip, accepted)
        self.posted.append(posted)
        del self.posted[:-POSTED_MAX]
        return posted
