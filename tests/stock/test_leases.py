"""Several processes share the connections: one works on each, and a stopped one changes nothing."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO
from uuid import UUID

import pytest

from spojka import leases
from spojka.api.orders.v1 import order_pb2
from spojka.delivery.health import Health
from spojka.outbound import OutboundPolicy
from spojka.secrets import Seal
from stock.imports.importer import LeaseLost
from stock.warehouses.port import (
    Acknowledgement,
    Card,
    CardKey,
    CardPage,
    HttpRequest,
    Meaning,
    OrderDocument,
    SystemField,
)
from stock.worker.connection_worker import ConnectionWorker
from stock.worker.scheduler import Scheduler
from tests.stock.conftest import MakeMerchant, Merchant
from tests.stock.observed import ObservedClient
from tests.stock.scene import Scene, begun
from tests.stock.warehouse_model import ModelClient, ModelWarehouse
from tests.waiting import until

KEY = bytes(range(32))


@dataclass
class CrowdedClient(ModelClient):
    """A client that notices when two requests of one warehouse are under way at once."""

    warehouse: ModelWarehouse
    crowd: "Crowd"

    async def read_full(self, position: str | None, warehouses: Sequence[str]) -> CardPage:
        with self.crowd.inside():
            await asyncio.sleep(0)
            return await super().read_full(position, warehouses)

    async def read_cards(self, keys: Sequence[CardKey]) -> Sequence[Card]:
        with self.crowd.inside():
            await asyncio.sleep(0)
            return await super().read_cards(keys)

    async def create_document(self, document: OrderDocument, *, resend: bool) -> Acknowledgement:
        with self.crowd.inside():
            await asyncio.sleep(0)
            return await super().create_document(document, resend=resend)


@dataclass
class Crowd:
    """How many requests are under way, and the most there ever were."""

    now: int = 0
    most: int = 0

    @contextmanager
    def inside(self) -> Iterator[None]:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            yield
        finally:
            self.now -= 1


@dataclass
class ModelSystem:
    """The model as a registered system."""

    warehouse: ModelWarehouse
    crowd: Crowd = field(default_factory=Crowd)
    id: str = "pohoda"
    name: str = "model"
    fields: Sequence[SystemField] = ()
    default_meaning: Meaning = Meaning.PHYSICAL
    max_keys: int = 100
    settle_seconds: float = 0.0
    time_zone: str = "Europe/Prague"

    def open(
        self,
        _settings: Mapping[str, str],
        _credentials: Mapping[str, str],
        _outbound: OutboundPolicy,
    ) -> CrowdedClient:
        return CrowdedClient(self.warehouse, self.crowd)

    def inspect_stock(self, _stream: BinaryIO) -> Iterator[Card]:
        return iter(())

    def inspect_requests(
        self, _document: OrderDocument, _settings: Mapping[str, str]
    ) -> Sequence[HttpRequest]:
        return ()


def scheduler(merchant: Merchant, system: ModelSystem) -> Scheduler:
    def after_commit(_tenant: UUID) -> None:
        return None

    return Scheduler(
        merchant.database,
        {"pohoda": system},
        Seal({"k": KEY}),
        OutboundPolicy(),
        after_commit,
        Health(),
    )


async def sealed(merchant: Merchant) -> None:
    secret = Seal({"k": KEY}).seal({}, (await merchant.row()).place)
    await merchant.change(sealing_key=secret.key_id, credentials=secret.ciphertext)


async def test_two_schedulers_import_each_order_once_and_one_goes_on_alone(
    make_merchant: MakeMerchant,
) -> None:
    merchant = await make_merchant(Meaning.PHYSICAL)
    await sealed(merchant)
    merchant.warehouse.put("A", on_hand="50")
    system = ModelSystem(merchant.warehouse)
    one, other = scheduler(merchant, system), scheduler(merchant, system)
    await merchant.change(requested_reading="full")
    async with merchant.database.infrastructure() as connection:
        await leases.offer(connection, "connection", str(merchant.connection_id), merchant.tenant)
    await one.start()
    await other.start()
    try:

        async def read() -> bool:
            return (await merchant.row()).last_full_time is not None

        await until(read, "everything is read")
        orders: list[order_pb2.Order] = []

        async def all_acked() -> bool:
            rows = [await merchant.import_of(order) for order in orders]
            return all(row.state == "acked" for row in rows)

        for place in range(10):
            orders.append(await merchant.order(("A", "1")))
            one.wake()
            other.wake()
            if place == 4:
                await until(all_acked, "every order is imported")
                await one.stop()
        await until(all_acked, "every order is imported")
    finally:
        await one.stop()
        await other.stop()
    assert len(merchant.warehouse.imports) == len(set(merchant.warehouse.imports)) == 10
    assert system.crowd.most == 1
    assert await merchant.available("A") == 40


async def take_over(merchant: Merchant, former: ConnectionWorker) -> leases.Lease:
    """The former holder's lease has run out, and another process has it now."""
    async with merchant.database.infrastructure() as connection:
        await connection.execute(
            "UPDATE lease SET expiry_time = now() - interval '1 second'"
            " WHERE kind = 'connection' AND subject = %s",
            [str(merchant.connection_id)],
        )
        claimed = await leases.claim(
            connection, "connection", "another", timedelta(minutes=1), 1000
        )
    lease = next(lease for lease in claimed if lease.subject == str(merchant.connection_id))
    assert lease.token > former.lease.token
    return lease


async def begin(make_merchant: MakeMerchant) -> Scene:
    return await begun(await make_merchant(Meaning.NET_OF_ORDERS), A="10")


def worker_of(scene: Scene, former: ConnectionWorker, lease: leases.Lease) -> ConnectionWorker:
    return ConnectionWorker(
        scene.merchant.database,
        lease,
        former.row,
        former.system,
        ObservedClient(scene.merchant.warehouse, scene.observer),
        former.after_commit,
    )


async def import_state(merchant: Merchant, order_id: str) -> tuple[object, ...]:
    async with merchant.database.transaction(merchant.tenant) as connection:
        cursor = await connection.execute(
            "SELECT * FROM order_import WHERE tenant_id = %s AND order_id = %s",
            [merchant.tenant, UUID(order_id)],
        )
        found = await cursor.fetchone()
    assert found is not None
    return tuple(found)


async def test_a_stopped_holder_that_continues_sends_nothing(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant)
    placed = await scene.order({"1": ("A", 2)})
    stopped = scene.worker
    assert stopped is not None
    await take_over(scene.merchant, stopped)
    before = await import_state(scene.merchant, placed.message.id)
    job = await stopped._next_job()
    assert job is not None
    with pytest.raises(LeaseLost):
        await job()
    assert await import_state(scene.merchant, placed.message.id) == before
    assert not scene.merchant.warehouse.imports


async def test_an_answer_heard_after_the_lease_was_lost_is_left_to_the_next_holder(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    placed = await scene.order({"1": ("A", 2)})
    stopped = scene.worker
    assert stopped is not None
    taken: list[leases.Lease] = []

    async def lose_the_lease() -> None:
        taken.append(await take_over(merchant, stopped))

    scene.next_request(lose_the_lease, answered=True)
    with pytest.raises(LeaseLost):
        await scene.job()
    assert (await merchant.import_of(placed.message)).state == "sent"
    scene.worker = worker_of(scene, stopped, taken[0])
    await scene.settle()
    await scene.check_rest()
    assert len(merchant.warehouse.imports) == 1


async def test_a_page_heard_after_the_lease_was_lost_undoes_nothing(
    make_merchant: MakeMerchant,
) -> None:
    scene = await begin(make_merchant)
    merchant = scene.merchant
    stopped = scene.worker
    assert stopped is not None
    await scene.request_reading("full")
    await scene.job()  # The reading has begun, its page is not read yet.

    async def go_on_elsewhere() -> None:
        lease = await take_over(merchant, stopped)
        merchant.warehouse.move("A", "-7")
        await scene.request_reading("full")
        next_holder = worker_of(scene, stopped, lease)
        await next_holder.run()
        assert await merchant.available("A") == 3

    scene.next_request(go_on_elsewhere, answered=True)
    await scene.job()
    assert await merchant.available("A") == 3
    await scene.check()


async def test_a_lease_is_renewed_only_by_its_holder(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant)
    stopped = scene.worker
    assert stopped is not None
    lease = await take_over(scene.merchant, stopped)
    ttl = timedelta(minutes=1)
    async with scene.merchant.database.infrastructure() as connection:
        assert not await leases.renew(connection, [stopped.lease], ttl)
        assert await leases.renew(connection, [lease], ttl) == {lease.subject}
        await leases.release(connection, stopped.lease, timedelta(0))
        assert await leases.still_held(connection, lease)
        assert not await leases.still_held(connection, stopped.lease)


async def test_work_offered_while_it_is_done_is_done_again(make_merchant: MakeMerchant) -> None:
    scene = await begin(make_merchant)
    stopped = scene.worker
    assert stopped is not None
    subject, tenant = stopped.lease.subject, scene.merchant.tenant
    async with scene.merchant.database.infrastructure() as connection:
        await leases.offer(connection, "connection", subject, tenant)
        await leases.release(connection, stopped.lease, timedelta(days=1))
        cursor = await connection.execute(
            "SELECT due_time, now() FROM lease WHERE subject = %s", [subject]
        )
        found = await cursor.fetchone()
    assert found is not None
    due, now = found
    assert isinstance(due, datetime)
    assert due <= now
