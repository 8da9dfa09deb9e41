"""A merchant's money, lived through by the service's own code: every kind of decision."""

from uuid import UUID, uuid4

from payments.rpc.payment_service import PaymentServicer
from spojka.api.mail.v1 import events_pb2 as mail
from spojka.api.payments.v1 import payment_service_pb2
from spojka.database import Database
from spojka.identity import Identity, Scope
from spojka.rpc.client import open_channel
from tests.internal_calls import internal_server
from tests.payments.rpc.desk import Desk
from tests.payments.scene import Scene


async def live_with_money(database: Database) -> UUID:
    """Payments matched, split, credited, taken back, undone and laid aside; returns the tenant."""
    scene = Scene(database, uuid4())
    await scene.confirm_sender()
    server = internal_server()
    service = payment_service_pb2.DESCRIPTOR.services_by_name["PaymentService"]
    server.add(service, PaymentServicer(database, lambda: None))
    await server.start()
    try:
        async with open_channel(f"127.0.0.1:{server.port}") as wire:
            desk = Desk(wire, Identity(scene.tenant, Scope.OPERATOR, "jana"))
            await _take_money(scene, desk)
    finally:
        await server.stop()
    return scene.tenant


async def _take_money(scene: Scene, desk: Desk) -> None:
    orders = {number: await scene.place(number) for number in ("11", "12", "13", "14", "15")}
    await scene.pay("11")
    await scene.pay("12", "40")
    over = await scene.pay("13", "130")
    await desk.decide("CreditPayment", over)
    stranger = await scene.pay("99", "100")
    await desk.match(stranger, (orders["12"], "60"), (orders["14"], "40"))
    await desk.undo(stranger)
    await desk.match(stranger, orders["14"])
    taken = await scene.pay("15")
    await desk.decide("UnmatchPayment", taken)
    await desk.undo(taken)
    await desk.decide("DiscardPayment", await scene.pay("98", "7"), reason="a mistake")
    weak = await scene.pay("97", "5", trust=mail.TRUST_WEAK)
    await desk.decide("ConfirmPayment", weak)
    await scene.recheck()
