"""A merchant's goods, lived through by the service's own code: all that a hold can become."""

from uuid import UUID

from spojka.database import Database
from tests.stock.conftest import connect_merchant
from tests.stock.scene import Placed, Scene

ITEMS = 6


async def live_with_goods(database: Database) -> UUID:
    """Orders held, sent, amended, delivered and cancelled; returns the tenant."""
    merchant = await connect_merchant(database)
    for place in range(ITEMS):
        merchant.warehouse.put(f"P{place}", "MAIN", str(20 + place))
    merchant.warehouse.put("P0", "SHOP", "4")
    scene = Scene(merchant)
    await scene.request_reading("full")
    await scene.rest()
    kept = await scene.order({"1": ("P0", 2), "2": ("P1", 1)})
    amended = await scene.order({"1": ("P2", 3)})
    cancelled = await scene.order({"1": ("P3", 1)})
    await scene.rest()
    await scene.amend(amended, {"1": ("P2", 5), "2": ("P4", 1)})
    await scene.cancel(cancelled)
    await scene.settle()
    merchant.warehouse.deliver(_document(scene, kept), 0, "1")
    await scene.settle()
    # Still on their way: held here, not known to the warehouse system.
    await scene.order({"1": ("P5", 2)})
    await scene.order({"1": ("P0", 1), "2": ("nobody's", 1)})
    return merchant.tenant


def _document(scene: Scene, placed: Placed) -> str:
    document = scene.document(placed)
    assert document is not None
    return document.document_id
