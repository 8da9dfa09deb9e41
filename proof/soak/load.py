"""The load of one phase: shops sell, customers pay, the warehouse works, people decide."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Final

from proof.soak.people import People
from proof.soak.plan import Deal, Matter, Phase
from sandbox.banks import Movement
from spojka.api.orders.v1 import order_pb2
from tests.faults.banks import PART, Branch
from tests.faults.plan import Paying, price
from tests.faults.system import PRODUCTS, System
from tests.faults.trading import follow, send_impulse

OVER: Final = Decimal("50.00")
"""What is sent too much."""
FOR_NOBODY: Final = Decimal("77.70")


@dataclass(slots=True)
class Load:
    """One phase's load. `branch` is the account that was opened for it.

    `placing_seconds` is how long each order took to be taken, retries and all.
    """

    system: System
    people: People
    phase: Phase
    branch: Branch
    placing_seconds: list[float] = field(default_factory=list)
    mails: int = 0
    _began: float = 0.0

    async def run(self) -> None:
        """Do all that is planned; returns once it is done."""
        self._began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            for deal in self.phase.deals:
                group.create_task(self._deal(group, deal), name=deal.order.number)
            group.create_task(self._move_goods(), name="movements")
            group.create_task(self._read_in_full(), name="full readings")
            if self.phase.opens_gate:
                group.create_task(self.people.open_gate(), name="gate")

    async def _deal(self, group: asyncio.TaskGroup, deal: Deal) -> None:
        await self._until(deal.at_seconds)
        desk = self.system.desk(deal.order.shop)
        clock = asyncio.get_running_loop().time
        asked = clock()
        order = await desk.place(deal.order)
        self.placing_seconds.append(clock() - asked)
        number = deal.order.number
        group.create_task(follow(self.system, desk, deal.order, order), name=number)
        if deal.statuses:
            group.create_task(self._call_it(deal, order), name=f"status of {number}")
        dues = {order.id: price(deal.order.basket)}
        if deal.second is not None:
            second = await desk.place(deal.second)
            dues[second.id] = price(deal.second.basket)
        if deal.matter in {Matter.WRONG_SYMBOL, Matter.SPLIT}:
            for id_ in dues:
                self.system.book.orders[id_].paid_under = deal.other_symbol
        if deal.order.paying is not Paying.NOT:
            group.create_task(self._pay(deal, dues), name=f"payment of {number}")

    async def _call_it(self, deal: Deal, order: order_pb2.Order) -> None:
        for pause_seconds, status in deal.statuses:
            await asyncio.sleep(pause_seconds)
            await self.people.call_it(order.id, status)

    async def _pay(self, deal: Deal, dues: Mapping[str, Decimal]) -> None:
        branch = self.system.banks.branches[deal.bank]
        if deal.matter is Matter.FIRST_OF_SENDER:
            branch = self.branch
        due = sum(dues.values(), Decimal(0))
        amounts, symbol = [due], deal.order.symbol
        match deal.matter:
            case Matter.TOO_MUCH | Matter.CREDIT_UNDONE:
                amounts = [due + OVER]
            case Matter.WRONG_SYMBOL | Matter.SPLIT:
                symbol = deal.other_symbol
            case _ if deal.order.paying is Paying.IN_PARTS:
                first = (due * PART).quantize(due)
                amounts = [first, due - first]
        movements = [branch.book(amount, symbol) for amount in amounts]
        if deal.matter is Matter.FOR_NOBODY:
            movements.append(branch.book(FOR_NOBODY, deal.other_symbol))
        await self._tell(deal, branch, movements)
        if deal.matter is Matter.FOR_NOBODY:
            await self.people.decide(deal, FOR_NOBODY, {})
        elif deal.matter is not Matter.NOTHING:
            await self.people.decide(deal, amounts[0], dues)

    async def _tell(self, deal: Deal, branch: Branch, movements: list[Movement]) -> None:
        """Bring the bank's mails, late and in the order that is planned."""
        banks = self.system.banks
        if len(movements) <= branch.bank.form.movements_max:
            mails = [movements]
        else:
            mails = [[movement] for movement in movements]
        written = [(told, branch.write(told)) for told in mails]
        if deal.reversed_mails:
            written.reverse()
        for place, (told, raw) in enumerate(written):
            if place == 0:
                await asyncio.sleep(deal.late_seconds)
            await banks.bring(branch, told, raw, deal.door)
            if deal.order.paying is Paying.DELIVERED_TWICE:
                await banks.bring(branch, told, raw, deal.door + 1)
            elif deal.order.paying is Paying.TOLD_TWICE:
                await banks.bring(branch, told, branch.write(told), deal.door + 1)

    async def _move_goods(self) -> None:
        random = Random(f"{self.phase.seed} {self.phase.number} movements")
        for at in self.phase.movements:
            await self._until(at)
            await self.system.storehouse.move(random, random.choice(PRODUCTS))
            await send_impulse(self.system)

    async def _read_in_full(self) -> None:
        for at in self.phase.full_readings:
            await self._until(at)
            await self.system.read_all_now()

    async def _until(self, at_seconds: float) -> None:
        left = self._began + at_seconds - asyncio.get_running_loop().time()
        await asyncio.sleep(max(0.0, left))
