"""Matching takes the index, however many orders there are."""

import re
from typing import Any
from uuid import UUID, uuid4

import psycopg

from payments.matching.values import Criterion
from payments.storage import keys, rechecks
from spojka.database import Database
from tests.payments.scene import Scene

ORDERS = 20_000
KNOWN = 100
NEW = 500
PAGES_AN_ORDER_MAX = 40
"""Pages of PostgreSQL's that may be looked at for each order: those of its few keys."""


async def test_orders_are_found_by_the_index_alone(scene: Scene) -> None:
    """Without statistics, too: they come minutes after a merchant's orders were imported."""
    await scene.rows_changed(
        "INSERT INTO payable_key (tenant_id, kind, key, order_id)"
        " SELECT %s, 2, n::text, gen_random_uuid() FROM generate_series(1, %s) AS n",
        ORDERS,
    )
    plan = await _plan(scene)
    assert "Seq Scan on payable_key" not in plan, plan
    assert "payable_key_pkey" in plan, plan
    # What is left to read by then is the few rows of the one key.
    assert _removed(plan) == 0, plan


async def test_payments_that_look_for_orders_are_found_by_the_orders_keys(
    database: Database, scene: Scene, payments_admin_url: str
) -> None:
    """Of a merchant who came since PostgreSQL last looked what there is, too."""
    known = Scene(database, uuid4())
    await known.confirm_sender()
    await _trade(known, KNOWN)
    with psycopg.connect(payments_admin_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    orders = await _trade(scene, NEW)
    values = rechecks._looking(scene.tenant, orders, only_open=False)
    async with scene.database.transaction(scene.tenant) as connection:
        cursor = await connection.execute(
            f"EXPLAIN (ANALYZE, BUFFERS) {rechecks._LOOKING}".encode(), values
        )
        plan = "\n".join(row[0] for row in await cursor.fetchall())
    found = re.search(r"shared hit=(\d+)", plan)
    assert found, plan
    assert int(found[1]) < PAGES_AN_ORDER_MAX * NEW, plan


async def _trade(scene: Scene, count: int) -> list[UUID]:
    """Orders, and as many payments that name nobody's."""
    orders = [scene.order(str(2_026_000 + number)) for number in range(count)]
    await scene.tell_orders_only(*orders)
    await scene.tell_only(*(scene.notice(str(9_026_000 + number)) for number in range(count)))
    return [UUID(order.id) for order in orders]


async def _plan(scene: Scene) -> str:
    values: dict[str, Any] = {
        "tenant": scene.tenant,
        "kinds": [int(Criterion.ORDER_VARIABLE_SYMBOL)],
        "keys": ["777"],
        "customer": int(Criterion.COUNTER_ACCOUNT),
        "limit": 201,
    }
    async with scene.database.transaction(scene.tenant) as connection:
        cursor = await connection.execute(f"EXPLAIN (ANALYZE) {keys._FIND}".encode(), values)
        return "\n".join(row[0] for row in await cursor.fetchall())


def _removed(plan: str) -> int:
    lines = [line for line in plan.splitlines() if "Rows Removed by" in line]
    return sum(int(line.rsplit(" ", 1)[1]) for line in lines)
