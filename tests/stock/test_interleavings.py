"""Generated interleavings against PostgreSQL and a model warehouse: the invariants of DESIGN §4.

After every step: no unit is available that a recorded hold covers (the formula
is in `tests.stock.invariants`), holds add up, levels are what the newest
request showed, and no order stands twice in the warehouse. At rest: what is
available is the system's own number.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spojka.database import Database
from stock.warehouses.port import Meaning
from tests.stock.conftest import connect_merchant
from tests.stock.scene import Placed, Scene, begun

EXAMPLES = 40
STEPS = 24
ORDERS_MAX = 5
PRODUCTS = ("A", "B")

quantities = st.integers(1, 6)
products = st.sampled_from(["A", "A", "B"])
warehouses = st.sampled_from(["MAIN", "MAIN", "SHOP"])
order_lines = st.dictionaries(
    st.sampled_from(["1", "2"]), st.tuples(products, quantities), min_size=1
)
places = st.integers(0, 2)


@dataclass(frozen=True)
class Step:
    """One fact of a story: its name, and what it is about."""

    name: str
    place: int = 0
    lines: tuple[tuple[str, tuple[str, int]], ...] = ()
    quantity: int = 1
    product: str = "A"
    warehouse: str = "MAIN"
    answered: bool = True


def _step(name: str, **details: st.SearchStrategy[object]) -> st.SearchStrategy[Step]:
    return st.builds(partial(Step, name), **details)


FACTS = (
    _step("order", lines=order_lines.map(lambda lines: tuple(sorted(lines.items())))),
    _step("amend", place=places, lines=order_lines.map(lambda lines: tuple(sorted(lines.items())))),
    _step("cancel", place=places),
    _step("repeat", place=places, quantity=quantities),
    _step("receive", product=products, warehouse=warehouses, quantity=quantities),
    _step("issue", product=products, warehouse=warehouses, quantity=quantities),
    _step("deliver", place=places, quantity=quantities),
    _step("unreserve", place=places),
    _step("reserve", place=places),
    _step("execute", place=places),
    _step("cancel_document", place=places),
    _step("delete_document", place=places),
)
WORK = (
    _step("job"),
    _step("jobs", quantity=st.integers(2, 8)),
    _step("read", product=st.sampled_from(["full", "incremental"])),
    _step("ask", product=st.sampled_from(["A", "A", ""])),
    _step("apply", place=places),
    _step("ask_document", place=places),
    _step("hear", place=places),
)
TROUBLE = (
    _step("lose_answer"),
    _step("lose_request"),
    _step("refuse"),
    _step("die", answered=st.booleans()),
    _step("restart"),
    _step("deactivate"),
    _step("activate"),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Step | tuple[Step, bool]]:
    """A story of a few kinds of facts that come again and again.

    With all kinds at once the chains that matter (reserved, read, not reserved,
    read, reserved again) would hardly ever come about.
    """
    kinds = draw(
        st.lists(st.sampled_from([*FACTS, *FACTS, *WORK, *TROUBLE]), min_size=3, max_size=7)
    )
    facts = [kind for kind in kinds if kind in FACTS]
    choices: list[st.SearchStrategy[Step | tuple[Step, bool]]] = [*kinds, *WORK[:2]]
    if facts:
        choices.append(st.tuples(st.one_of(*facts), st.booleans()))
    prelude = [Step("order", lines=(("1", ("A", draw(quantities))),)), Step("jobs", quantity=8)]
    told = draw(st.lists(st.one_of(*choices), min_size=STEPS // 2, max_size=STEPS))
    return (prelude if draw(st.booleans()) else []) + told


async def _order(scene: Scene, step: Step) -> None:
    if len(scene.orders) < ORDERS_MAX:
        await scene.order(dict(step.lines))


async def _amend(scene: Scene, step: Step) -> None:
    placed = _placed(scene, step)
    if placed and not placed.cancelled:
        await scene.amend(placed, dict(step.lines))


async def _cancel(scene: Scene, step: Step) -> None:
    placed = _placed(scene, step)
    if placed and not placed.cancelled:
        await scene.cancel(placed)


async def _repeat(scene: Scene, step: Step) -> None:
    # An event that was delivered already comes again, however old.
    placed = _placed(scene, step)
    if placed:
        await scene.merchant.tell(placed.states[step.quantity % len(placed.states)])


async def _receive(scene: Scene, step: Step) -> None:
    scene.merchant.warehouse.move(step.product, str(step.quantity), step.warehouse)


async def _issue(scene: Scene, step: Step) -> None:
    scene.merchant.warehouse.move(step.product, str(-step.quantity), step.warehouse)


async def _deliver(scene: Scene, step: Step) -> None:
    document = _open_document(scene, step)
    if document:
        scene.merchant.warehouse.deliver(document, 0, str(step.quantity))


def _by_hand(name: str) -> Callable[[Scene, Step], Awaitable[None]]:
    async def act(scene: Scene, step: Step) -> None:
        document = _open_document(scene, step)
        if document:
            getattr(scene.merchant.warehouse, name)(document)

    return act


async def _delete_document(scene: Scene, step: Step) -> None:
    document = _open_document(scene, step)
    if document and not scene.merchant.warehouse.documents[document].linked:
        scene.merchant.warehouse.delete(document)


async def _job(scene: Scene, _step: Step) -> None:
    await scene.job()


async def _jobs(scene: Scene, step: Step) -> None:
    for _ in range(step.quantity):
        if not await scene.job():
            return
        await scene.check()


async def _read(scene: Scene, step: Step) -> None:
    await scene.request_reading(step.product)


async def _ask(scene: Scene, step: Step) -> None:
    await scene.ask(step.product or None)


async def _apply(scene: Scene, step: Step) -> None:
    if scene.answers:
        await scene.apply(scene.answers[step.place % len(scene.answers)])


async def _ask_document(scene: Scene, step: Step) -> None:
    placed = _placed(scene, step)
    if placed:
        await scene.ask_document(placed)


async def _hear(scene: Scene, step: Step) -> None:
    if scene.heard:
        await scene.hear(scene.heard[step.place % len(scene.heard)])


async def _lose_answer(scene: Scene, _step: Step) -> None:
    scene.merchant.warehouse.lose_answers = 1


async def _lose_request(scene: Scene, _step: Step) -> None:
    scene.merchant.warehouse.lose_requests = 1


async def _refuse(scene: Scene, _step: Step) -> None:
    scene.merchant.warehouse.refuse_connections = 1


async def _die(scene: Scene, step: Step) -> None:
    scene.next_request(scene.die, answered=step.answered)


async def _restart(scene: Scene, _step: Step) -> None:
    scene.worker = None


async def _deactivate(scene: Scene, _step: Step) -> None:
    await scene.deactivate()


async def _activate(scene: Scene, _step: Step) -> None:
    await scene.activate()


ACTIONS: dict[str, Callable[[Scene, Step], Awaitable[None]]] = {
    "order": _order,
    "amend": _amend,
    "cancel": _cancel,
    "repeat": _repeat,
    "receive": _receive,
    "issue": _issue,
    "deliver": _deliver,
    "unreserve": _by_hand("unreserve"),
    "reserve": _by_hand("reserve"),
    "execute": _by_hand("execute"),
    "cancel_document": _by_hand("cancel"),
    "delete_document": _delete_document,
    "job": _job,
    "jobs": _jobs,
    "read": _read,
    "ask": _ask,
    "apply": _apply,
    "ask_document": _ask_document,
    "hear": _hear,
    "lose_answer": _lose_answer,
    "lose_request": _lose_request,
    "refuse": _refuse,
    "die": _die,
    "restart": _restart,
    "deactivate": _deactivate,
    "activate": _activate,
}


def _placed(scene: Scene, step: Step) -> Placed | None:
    return scene.orders[step.place % len(scene.orders)] if scene.orders else None


def _open_document(scene: Scene, step: Step) -> str | None:
    documents = scene.merchant.warehouse.open_documents()
    return documents[step.place % len(documents)] if documents else None


@given(
    meaning=st.sampled_from(Meaning),
    aggregation=st.sampled_from(["sum", "max"]),
    buffer=st.sampled_from(["0", "2"]),
    told=stories(),
)
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_no_interleaving_offers_what_a_hold_covers(
    stock_database: Database,
    meaning: Meaning,
    aggregation: str,
    buffer: str,
    told: list[Step | tuple[Step, bool]],
) -> None:
    merchant = await connect_merchant(
        stock_database, meaning, aggregation=aggregation, buffer=buffer
    )
    merchant.warehouse.page_size = 2
    for place, product in enumerate(PRODUCTS):
        merchant.warehouse.put(product, "MAIN", str(10 + place))
    merchant.warehouse.put("A", "SHOP", "4")
    merchant.warehouse.put("B", "SHOP", "0")
    scene = await begun(merchant)
    await scene.check_rest()
    for entry in told:
        if isinstance(entry, Step):
            await ACTIONS[entry.name](scene, entry)
        else:
            step, answered = entry
            scene.next_request(partial(ACTIONS[step.name], scene, step), answered=answered)
        await scene.check()
    await scene.settle()
    await scene.check_rest()
