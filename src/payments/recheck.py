"""Looks again at payments that something new concerns: an order, a reference, other rules."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from payments.evaluating import PAYMENTS_AT_ONCE_MAX, evaluate
from payments.storage.rechecks import (
    Recheck,
    claim,
    failing,
    forget,
    payments_looking_for,
    put_off,
)
from payments.storage.turns import matching_ended
from spojka.asking import together
from spojka.cancelling import cancel_all
from spojka.database import Database
from spojka.delivery.backoff import Backoff
from spojka.delivery.health import Health
from spojka.errors import Unavailable

PART: Final = "recheck"
CLAIMED_MAX: Final = 500
SWEEP_SECONDS: Final = 1.0
GIVEN_UP_AFTER: Final = timedelta(seconds=30)
"""What a worker claimed and did not finish by then is due again."""
FIRST_DELAY: Final = timedelta(seconds=5)
LONGEST_DELAY: Final = timedelta(hours=1)

log = structlog.get_logger()


class Rechecking:
    """Drains the list of rechecks; several at once share it and do no harm.

    Each batch is decided in one transaction. Where that fails, its payments are
    tried one by one, and those that fail alone wait longer each time, while
    health says so.
    """

    def __init__(
        self, database: Database, health: Health, after_commit: Callable[[], None]
    ) -> None:
        """Take what it stands on; `after_commit` nudges the relay."""
        self._database = database
        self._health = health
        self._after_commit = after_commit
        self._wake = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Something was noted and committed: look at once."""
        self._wake.set()

    async def start(self) -> None:
        """Begin; PostgreSQL may be away."""
        self._loop = asyncio.create_task(self._forever(), name=PART)

    async def stop(self) -> None:
        """End; what is cut off is looked at again later."""
        if self._loop is not None:
            await cancel_all([self._loop])

    async def drain(self) -> int:
        """Look at everything that is due now; returns how many things were."""
        done = 0
        while taken := await self._take():
            done += len(taken)
        return done

    async def _forever(self) -> None:
        backoff = Backoff(0.2, 10.0)
        woken = False
        while True:
            self._wake.clear()
            try:
                if await self.drain() or not woken:
                    await self._say()
                backoff.reset()
            except Unavailable as error:
                self._health.degrade(PART, error.message)
                await asyncio.sleep(backoff.next_seconds())
            try:
                async with asyncio.timeout(SWEEP_SECONDS):
                    await self._wake.wait()
                woken = True
            except TimeoutError:
                woken = False

    async def _say(self) -> None:
        async with self._database.autocommit() as connection:
            number = await failing(connection)
        if number:
            reason = f"{number} payments can't be decided about; the log says why"
            self._health.degrade(PART, reason)
        else:
            self._health.recover(PART)

    async def _take(self) -> Sequence[Recheck]:
        async with self._database.autocommit() as connection:
            claimed = await claim(connection, GIVEN_UP_AFTER, CLAIMED_MAX)
        by_tenant: defaultdict[UUID, list[Recheck]] = defaultdict(list)
        for each in claimed:
            by_tenant[each.tenant_id].append(each)
        failed = {
            tenant: await self._look(tenant, rechecks) for tenant, rechecks in by_tenant.items()
        }
        if claimed:
            await self._settle(claimed, failed)
        return claimed

    async def _settle(
        self, claimed: Sequence[Recheck], failed: Mapping[UUID, Collection[UUID]]
    ) -> None:
        async with self._database.infrastructure() as connection:
            for tenant, payments in failed.items():
                await put_off(connection, tenant, payments, FIRST_DELAY, LONGEST_DELAY)
            # Those put off are due at another time by now, and stay.
            await forget(connection, claimed)

    async def _look(self, tenant: UUID, rechecks: Sequence[Recheck]) -> set[UUID]:
        """Look at one tenant's payments; returns those that failed."""
        wanted = {each.subject_id for each in rechecks if not each.of_order}
        orders = [each.subject_id for each in rechecks if each.of_order]
        if orders:
            async with self._database.transaction(tenant) as connection, together(connection):
                # Who did not see these orders must be seen by now, or is missed for ever.
                await matching_ended(connection, tenant)
                wanted |= await payments_looking_for(connection, tenant, orders)
        payments = sorted(wanted)
        failed: set[UUID] = set()
        for begin in range(0, len(payments), PAYMENTS_AT_ONCE_MAX):
            failed |= await self._evaluate(tenant, payments[begin : begin + PAYMENTS_AT_ONCE_MAX])
        return failed

    async def _evaluate(self, tenant: UUID, payments: Sequence[UUID]) -> set[UUID]:
        try:
            async with self._database.transaction(tenant) as connection:
                await evaluate(connection, tenant, payments)
        except Unavailable as error:
            log.info("payments are looked at again later", tenant=str(tenant), error=error.message)
            return set(payments)
        except Exception as error:
            if len(payments) > 1:
                return {
                    failed
                    for payment_id in payments
                    for failed in await self._evaluate(tenant, [payment_id])
                }
            log.exception(
                "a payment was not decided about", payment=str(payments[0]), exc_info=error
            )
            return set(payments)
        self._after_commit()
        return set()
