"""Three banks with the merchant's accounts: they book transfers, and write until they are heard."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from itertools import count
from typing import Final

from sandbox.banks import Account, Bank, GaveUp, Movement, Street, Transfer
from sandbox.banks.courier import Courier
from sandbox.demo.treasury import Treasury
from spojka.api.payments.v1 import payment_pb2
from tests.faults.plan import Paying, PlannedOrder, price
from tests.faults.story import Story

PATIENCE_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.1
PART: Final = Decimal("0.4")
"""Of what is paid in two transfers, the share of the first."""
FIRST_AMOUNT: Final = Decimal("1.50")
"""Of the transfer that nobody ordered anything for: it makes each bank known."""
ACCOUNTS: Final = (
    ("fio", "1111111111", "1111111111/2010", "2222222222/0800"),
    ("csob", "3333333333", "3333333333/0300", "2222222222/0800"),
    (
        "tatra",
        "SK5411000000002611111104",
        "SK5411000000002611111104",
        "1100/000000-2922222207",
    ),
)
"""Of each bank: the merchant's account as its mails print it and as people do, and a payer's."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A mail that was taken: to which connection, and what it tells of."""

    digest: bytes
    connection_id: str
    movements: tuple[Movement, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """The merchant's account at one bank."""

    bank: Bank
    number: str
    payer: str
    connection_id: str
    address: str

    def book(self, amount: Decimal, symbol: str) -> Movement:
        """Let money come."""
        return self.bank.book(self.number, Transfer(amount, self.payer, vs=symbol))

    def write(self, movements: Sequence[Movement]) -> bytes:
        """The bytes of a new mail of these movements."""
        return self.bank.write(movements, self.address)


@dataclass(slots=True)
class Banks:
    """All branches and the mails that they brought to the doors, one door after another."""

    branches: list[Branch]
    doors: Sequence[tuple[str, int]]
    story: Story
    posted: list[Posted] = field(default_factory=list)
    _turns: "count[int]" = field(default_factory=count)

    async def pay(self, planned: PlannedOrder) -> None:
        """Pay what was ordered first, and let the bank tell of it, as it is planned."""
        branch = self.branches[next(self._turns) % len(self.branches)]
        total = price(planned.basket)
        first = (total * PART).quantize(total) if planned.paying is Paying.IN_PARTS else total
        amounts = [each for each in (first, total - first) if each]
        movements = [branch.book(amount, planned.symbol) for amount in amounts]
        door = next(self._turns)
        if len(movements) <= branch.bank.form.movements_max:
            mails = [movements]
        else:
            mails = [[movement] for movement in movements]
        for told in mails:
            raw = branch.write(told)
            await self.bring(branch, told, raw, door)
            if planned.paying is Paying.DELIVERED_TWICE:
                await self.bring(branch, told, raw, door + 1)
            elif planned.paying is Paying.TOLD_TWICE:
                await self.bring(branch, told, branch.write(told), door + 1)

    async def make_known(self, treasury: Treasury) -> None:
        """Let each bank write its first mail, and confirm it."""
        for branch in self.branches:
            movement = branch.book(FIRST_AMOUNT, "")
            await self.bring(branch, [movement], branch.write([movement]), 0)
        for branch in self.branches:
            async with asyncio.timeout(PATIENCE_SECONDS):
                payment = await self._first_payment(treasury, branch)
            assert payment.status == payment_pb2.PAYMENT_STATUS_UNCONFIRMED, payment
            await treasury.confirm(payment.id)

    @staticmethod
    async def _first_payment(treasury: Treasury, branch: Branch) -> payment_pb2.Payment:
        while True:
            for payment in await treasury.payments(connection_id=branch.connection_id):
                return payment
            await asyncio.sleep(LOOK_SECONDS)

    async def bring(
        self, branch: Branch, movements: Sequence[Movement], raw: bytes, door: int
    ) -> None:
        """Bring a mail to a door, again and again until it is taken. Raises Refused."""
        host, port = self.doors[door % len(self.doors)]
        house = branch.bank.house
        courier = Courier(host, port, house.host)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    await courier.deliver(
                        raw,
                        sender=house.sender,
                        recipient=branch.address,
                        client_ip=house.client_ip,
                    )
                except GaveUp as error:
                    self.story.note(f"{house.name}: {error}")
                else:
                    break
        self.posted.append(Posted(sha256(raw).digest(), branch.connection_id, tuple(movements)))
        told = ", ".join(f"{each.amount} for {each.transfer.vs}" for each in movements)
        self.story.note(f"{house.name} told of {told} at port {port}")


async def open_branch(
    bank: Bank, treasury: Treasury, number: str, account: str, payer: str
) -> Branch:
    """Open an account at a bank and connect it: its first payment will wait for a person."""
    connection = await treasury.connect(bank.house.name, account, "CZK")
    owner = Account(number, "CZK", "Faults s.r.o.", Decimal(1000), [connection.address])
    bank.open_account(owner)
    return Branch(bank, number, payer, connection.id, connection.address)


async def connected(
    street: Street, treasury: Treasury, doors: Sequence[tuple[str, int]], story: Story
) -> Banks:
    """Open an account at each bank and connect it; the banks are known afterwards."""
    branches = []
    for name, number, account, payer in ACCOUNTS:
        branches.append(await open_branch(street.banks[name], treasury, number, account, payer))
    banks = Banks(branches, doors, story)
    await banks.make_known(treasury)
    return banks
