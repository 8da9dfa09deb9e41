"""People and Spojka at the same time, and long histories: money is conserved, whatever comes."""

from contextlib import suppress
from functools import partial
from random import Random
from uuid import UUID

import pytest

from payments.evaluating import evaluate
from payments.ledger.holds import Hold
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.errors import Conflict, FailedPrecondition, RequestError
from tests.at_once import Act, at_once
from tests.payments.rpc.books import Books
from tests.payments.rpc.desk import Desk
from tests.payments.scene import Scene

ROUNDS = 50
REFUSED = (FailedPrecondition, Conflict)


async def contend(random: Random, *acts: Act) -> None:
    """Run all at once; each may be refused, but must not fail."""

    async def refusable(act: Act) -> None:
        with suppress(*REFUSED):
            await act()

    await at_once(random, [partial(refusable, act) for act in acts])


def spojka(books: Books, *ids: UUID) -> Act:
    async def act() -> None:
        async with books.database.transaction(books.tenant) as connection:
            await evaluate(connection, books.tenant, ids)

    return act


async def test_a_persons_match_beside_an_automatic_one(books: Books, desk: Desk) -> None:
    random = Random(50)
    deciders = set()
    for place in range(ROUNDS):
        order = await books.order("1000", vs=f"44{place:04}")
        automatic = await books.payment("1000", vs=f"44{place:04}", decided=False)
        manual = await books.payment("1000") if place % 2 else automatic
        match = partial(desk.match, manual, order.id)
        await contend(random, match, spojka(books, automatic))
        assert await books.paid(order) == 1000
        (decider,) = await books.rows(
            "SELECT actor FROM allocation WHERE order_id = %s", [order.id]
        )
        deciders.add(decider)
    # Both were the faster one at times, else these were no interleavings.
    assert deciders == {("jana",), ("spojka",)}
    await books.check_money()


async def test_two_people_give_one_payment_at_once(books: Books, desk: Desk) -> None:
    random = Random(51)
    petr = desk.as_person("petr")
    for _ in range(10):
        first, second = await books.order("700"), await books.order("700")
        payment_id = await books.payment("1000")
        await contend(
            random,
            partial(desk.match, payment_id, (first.id, "700")),
            partial(petr.match, payment_id, (second.id, "700")),
        )
        assert sorted([await books.paid(first), await books.paid(second)]) == [0, 700]
    await books.check_money()


async def test_a_confirmation_beside_its_undoing_and_spojka(books: Books, desk: Desk) -> None:
    random = Random(52)
    for place in range(10):
        orders = [await books.order("10", vs=f"45{place:03}{each}") for each in range(2)]
        first, second = [
            await books.payment("10", vs=f"45{place:03}{each}", hold=Hold.NEW_SENDER)
            for each in range(2)
        ]
        await desk.decide("ConfirmPayment", first)
        await contend(
            random,
            partial(desk.undo, first),
            partial(desk.decide, "DiscardPayment", second, reason="x"),
            spojka(books, second),
        )
        await books.check_money()
        for order in orders:
            await books.paid(order)
        if await books.rows("SELECT FROM confirmed_sender"):
            with pytest.raises(FailedPrecondition, match="Laid aside"):
                await desk.undo(first)
            await desk.undo(second)
            await desk.undo(first)


async def test_a_confirmation_beside_the_senders_next_mail(books: Books, desk: Desk) -> None:
    random = Random(53)
    for _ in range(15):
        scene = Scene(books.database, books.tenant)
        first = scene.notice("1")
        await scene.tell(first)
        next_ = scene.notice("2")
        await contend(
            random,
            partial(desk.decide, "ConfirmPayment", await scene.told_by(first)),
            partial(scene.tell_only, next_),
        )
        payment = await desk.get(await scene.told_by(next_))
        assert payment.status == pb.PAYMENT_STATUS_UNMATCHED


@pytest.mark.parametrize("seed", range(6))
async def test_any_history_conserves_money_and_is_undone_to_its_beginning(
    books: Books, desk: Desk, seed: int
) -> None:
    random = Random(seed)
    orders = [await books.order(str(random.randrange(1, 9) * 100)) for _ in range(4)]
    ids = [await books.payment(str(random.randrange(1, 9) * 100)) for _ in range(3)]
    before = await standing(books)
    made = 0
    for _ in range(40):
        try:
            await any_decision(random, desk, random.choice(ids), orders)
            made += 1
        except RequestError:
            continue
        await books.check_money()
    assert made >= 10
    for payment_id in ids * len(ids):
        await undo_all(desk, payment_id)
    for order in orders:
        assert await books.paid(order) == 0
    await books.check_money()
    assert await standing(books) == before


async def standing(books: Books) -> object:
    return await books.rows(
        "SELECT id, status, allocated, credited, needs_person, decided_by, hold FROM payment"
        " ORDER BY id"
    )


async def undo_all(desk: Desk, payment_id: UUID) -> None:
    """Undo what can be undone; another payment may stand in the way until it is undone itself."""
    while True:
        try:
            await desk.undo(payment_id)
        except FailedPrecondition:
            return


async def any_decision(
    random: Random, desk: Desk, payment_id: UUID, orders: list[order_pb2.Order]
) -> None:
    order = random.choice(orders)
    other = random.choice(orders)
    amount = str(random.randrange(1, 9) * 50)
    acts: list[Act] = [
        lambda: desk.match(payment_id, order.id),
        lambda: desk.match(payment_id, (order.id, amount)),
        lambda: desk.match(payment_id, (order.id, amount), other.id),
        lambda: desk.decide("UnmatchPayment", payment_id),
        lambda: desk.decide("CreditPayment", payment_id),
        lambda: desk.decide("DiscardPayment", payment_id, reason="x"),
        lambda: desk.decide("NeverPair", payment_id, order_id=order.id),
        lambda: desk.undo(payment_id),
    ]
    await random.choice(acts)()
