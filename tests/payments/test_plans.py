"""Matching takes the index, however many orders there are."""

from typing import Any

from payments.matching.values import Criterion
from payments.storage import keys
from tests.payments.scene import Scene

ORDERS = 20_000


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
