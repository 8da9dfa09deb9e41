"""What banks' mails tell of payments beside what people decide about them over gRPC."""

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import uuid4

import pytest

from spojka.api.mail.v1 import events_pb2 as mail
from spojka.api.payments.v1 import payment_pb2 as pb
from spojka.database import Database
from spojka.errors import FailedPrecondition
from tests.payments.till import Till, open_till

TAKEN_BACK: Final[dict[str, Any]] = {
    "incoming": False,
    "kind": mail.NOTIFICATION_KIND_REVERSAL,
    "action": mail.NOTIFICATION_ACTION_RECORD_ONLY,
}
LIKENESS: Final[dict[str, Any]] = {"bank_reference": "", "message": "one and the same"}
"""What mails about one movement have in common here; what tells them apart is added."""
COMPARED_MAX: Final = 50


@pytest.fixture
async def till(database: Database) -> AsyncIterator[Till]:
    async with open_till(database) as till:
        yield till


# --- money that the bank took back ---------------------------------------------------------------


async def test_an_open_payment_keeps_the_word_that_the_bank_took_it_back(till: Till) -> None:
    payment = await till.payment("2026001")
    await till.payment("2026001", **TAKEN_BACK)
    assert any("taken this money back" in flag for flag in (await till.desk.get(payment.id)).flags)
    await till.audit()


async def test_money_that_was_taken_back_waits_for_a_person_when_its_order_comes(
    till: Till,
) -> None:
    payment = await till.payment("2026001")
    await till.payment("2026001", **TAKEN_BACK)
    order = await till.order("2026001")
    held = await till.desk.get(payment.id)
    assert await till.paid(order) == ["0 UNPAID"]
    assert held.status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert "may have taken this money back" in held.verdict.summary
    assert [each.kind for each in held.decisions] == ["hold"]
    await till.desk.decide("ConfirmPayment", payment.id)
    assert await till.paid(order) == ["100 PAID"]
    assert any("taken" in flag for flag in (await till.desk.get(payment.id)).flags)
    await till.audit()


async def test_no_other_confirmation_and_no_proof_lets_money_go_that_was_taken_back(
    till: Till,
) -> None:
    """A sender's confirmation lets its other payments go, and a proof lets a weak one go."""
    new_sender = {"sender_domain": "new.example"}
    first = await till.payment("2026001", **new_sender)
    second = await till.payment("2026002", **new_sender)
    weak = await till.payment("2026003", bank_reference="9", trust=mail.TRUST_WEAK)
    for symbol in ("2026001", "2026003"):
        await till.payment(symbol, **TAKEN_BACK)
    await till.desk.decide("ConfirmPayment", second.id)
    assert (await till.payment("2026003", bank_reference="9")).id == weak.id
    orders = [await till.order(f"202600{place}") for place in (1, 2, 3)]
    assert await till.paid(*orders) == ["0 UNPAID", "100 PAID", "0 UNPAID"]
    for held in (first.id, weak.id):
        await till.desk.decide("ConfirmPayment", held)
    assert await till.paid(*orders) == ["100 PAID"] * 3
    await till.audit()


async def test_what_a_person_opens_again_waits_where_its_money_was_taken_back(till: Till) -> None:
    """Neither an undo nor a pair that is ruled out says that the money is there."""
    other = await till.order("7777777")
    undone, ruled_out = await till.payment("1111111"), await till.payment("7777777")
    elsewhere = await till.order("3333333")
    await till.desk.match(undone.id, elsewhere.id)
    assert await till.paid(other, elsewhere) == ["100 PAID", "100 PAID"]
    for symbol in ("1111111", "7777777"):
        await till.payment(symbol, **TAKEN_BACK)
    await till.order("1111111")
    assert (await till.desk.undo(undone.id)).status == pb.PAYMENT_STATUS_UNCONFIRMED
    await till.desk.decide("NeverPair", ruled_out.id, order_id=other.id)
    assert (await till.desk.get(ruled_out.id)).status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert await till.paid(other, elsewhere) == ["0 UNPAID", "0 UNPAID"]
    await till.audit()


async def test_undoing_a_confirmation_keeps_the_word_that_the_bank_took_the_money_back(
    till: Till,
) -> None:
    await till.order("2026001")
    weak = await till.payment("2026001", trust=mail.TRUST_WEAK)
    await till.desk.decide("ConfirmPayment", weak.id)
    await till.payment("2026001", **TAKEN_BACK)
    assert (await till.desk.get(weak.id)).flags
    undone = await till.desk.undo(weak.id)
    assert undone.status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert any("taken" in flag for flag in undone.flags)
    await till.audit()


async def test_a_reversal_that_brings_money_is_not_said_to_take_itself_back(till: Till) -> None:
    """A transfer of the merchant's own that could not be delivered comes back so."""
    came_back = await till.payment("", "770", **{**TAKEN_BACK, "incoming": True})
    assert not came_back.flags
    summary = (await till.tasks())["payments.reversal"]
    assert "It may be the payment of 770 CZK" not in summary
    await till.audit()


async def test_money_taken_back_by_mail_is_unmatched_laid_aside_and_undone(till: Till) -> None:
    """As the task advises; nothing of it pays anybody until all is undone."""
    order = await till.order("2026001")
    payment = await till.payment("2026001")
    await till.payment("2026001", **TAKEN_BACK)
    assert "It paid order 2026001." in (await till.tasks())["payments.reversal"]
    await till.desk.decide("UnmatchPayment", payment.id)
    await till.desk.decide("DiscardPayment", payment.id, reason="the bank took it back")
    again = await till.payment("2026001")
    assert await till.paid(order) == ["100 PAID"]
    assert again.status == pb.PAYMENT_STATUS_MATCHED
    await till.desk.undo(payment.id)
    with pytest.raises(FailedPrecondition, match="paid otherwise since"):
        await till.desk.undo(payment.id)
    await till.audit()


# --- proofs --------------------------------------------------------------------------------------


async def test_a_decision_about_unproven_words_is_undone_to_the_proven_ones(till: Till) -> None:
    """The task says to undo: what waits then must not be what nobody proved."""
    right, wrong = await till.order("2026001"), await till.order("2026002")
    guessed = await till.payment("2026002", bank_reference="9", trust=mail.TRUST_WEAK)
    await till.desk.match(guessed.id, wrong.id)
    await till.payment("2026001", bank_reference="9")
    assert "payments.contradicted" in await till.tasks()
    undone = await till.desk.undo(guessed.id)
    assert (undone.trust, undone.variable_symbol) != (mail.TRUST_TRUSTED, "2026002")
    if undone.status == pb.PAYMENT_STATUS_UNCONFIRMED:
        await till.desk.decide("ConfirmPayment", guessed.id)
    assert await till.paid(right, wrong) == ["100 PAID", "0 UNPAID"]
    await till.audit()


@pytest.mark.parametrize(
    "fields", [{"automatic_limit": "50"}, {"sender_domain": "new.example"}], ids=["limit", "sender"]
)
async def test_what_a_person_confirmed_does_not_wait_again_once_it_is_proven(
    till: Till, fields: dict[str, Any]
) -> None:
    weak = await till.payment("2026001", bank_reference="9", trust=mail.TRUST_WEAK, **fields)
    confirmed = await till.desk.decide("ConfirmPayment", weak.id)
    assert confirmed.status == pb.PAYMENT_STATUS_UNMATCHED
    proven = await till.payment("2026001", bank_reference="9", **fields)
    assert proven.id == weak.id
    assert proven.status == pb.PAYMENT_STATUS_UNMATCHED
    order = await till.order("2026001")
    assert await till.paid(order) == ["100 PAID"]
    await till.audit()


async def test_a_limit_of_nothing_is_told_as_it_is(till: Till) -> None:
    """A merchant whose connection may pay nothing by itself."""
    payment = await till.payment("2026001", "770", automatic_limit="0")
    assert payment.status == pb.PAYMENT_STATUS_UNCONFIRMED
    assert "It is above 0 CZK" in payment.verdict.summary
    assert "770" not in payment.verdict.summary


async def test_a_payment_of_the_very_limit_pays_and_a_penny_more_waits(till: Till) -> None:
    first, second = await till.order("2026001", "500"), await till.order("2026002", "500.01")
    await till.payment("2026001", "500", automatic_limit="500.00")
    held = await till.payment("2026002", "500.01", automatic_limit="500.00")
    assert await till.paid(first, second) == ["500 PAID", "0 UNPAID"]
    assert "It is above 500 CZK" in held.verdict.summary
    await till.desk.match(held.id, (second.id, "500.01"))
    assert not await till.tasks()
    await till.desk.undo(held.id)
    assert list(await till.tasks()) == ["payments.unconfirmed.limit"]
    await till.audit()


async def test_a_sender_without_an_address_is_confirmed_for_this_payment(till: Till) -> None:
    order = await till.order("2026001")
    held = await till.payment("2026001", address_id="")
    confirmed = await till.desk.decide("ConfirmPayment", held.id)
    assert confirmed.status == pb.PAYMENT_STATUS_MATCHED
    assert await till.paid(order) == ["100 PAID"]


# --- one movement, told again --------------------------------------------------------------------


async def test_a_movement_told_by_balance_by_reference_and_by_both_is_taken(till: Till) -> None:
    """Three mails of one bank in three shapes: the last one fits both that were taken for two."""
    balance = {**LIKENESS, "balance_after": "5000"}
    await till.payment("2026001", trust=mail.TRUST_WEAK, **balance)
    await till.payment("2026001", **{**LIKENESS, "bank_reference": "9"})
    both = await till.payment("2026001", **{**balance, "bank_reference": "9"})
    order = await till.order("2026001")
    payments = await till.desk.list()
    assert both.id in {each.id for each in payments}
    # None was taken for a third movement: who confirms the one and lays the other aside is right.
    assert len(payments) == 2
    assert (await till.paid(order))[0] in {"0 UNPAID", "100 PAID"}
    await till.audit()


async def test_a_movement_told_again_after_many_of_its_likeness_is_known(till: Till) -> None:
    """Somebody pays the same again and again in a day: only the balance tells them apart."""
    notices = [
        till.scene.notice("", "10", **LIKENESS, balance_after=str(1000 + 10 * place))
        for place in range(COMPARED_MAX + 1)
    ]
    await till.scene.tell(notices[0])
    await till.scene.tell(*notices[1:])
    first = await till.scene.told_by(notices[0])
    again = till.scene.notice("", "10", **LIKENESS, balance_after="1000")
    await till.scene.tell(again)
    assert await till.scene.told_by(again) == first
    assert len(await till.desk.list(page_size=500)) == COMPARED_MAX + 1
    await till.audit()


async def test_one_batch_tells_a_movement_weakly_twice_and_then_with_proof(till: Till) -> None:
    """The same mail twice in a batch, another mail of the same movement, and one of another."""
    orders = [await till.order("2026001"), await till.order("2026002", "30")]
    weak = till.scene.notice("2026002", bank_reference="9", trust=mail.TRUST_WEAK)
    proven = till.scene.notice("2026001", bank_reference="9")
    other = till.scene.notice("2026002", "30", mail_id=proven.mail_id, movement=1)
    await till.scene.tell(weak, weak, proven, other, proven)
    told = {each.variable_symbol: set(each.mail_ids) for each in await till.desk.list()}
    assert told == {
        "2026001": {weak.mail_id, proven.mail_id},
        "2026002": {proven.mail_id},
    }
    assert await till.paid(*orders) == ["100 PAID", "30 PAID"]
    assert not await till.tasks()
    await till.audit()


async def test_a_twin_that_a_person_gave_away_is_told_again_and_undone(till: Till) -> None:
    order, other = await till.order("2026001"), await till.order("2026002", "250")
    first = await till.payment("2026001", **LIKENESS)
    twin = await till.payment("2026001", **LIKENESS)
    assert twin.status == pb.PAYMENT_STATUS_POSSIBLE_TWIN
    assert list(await till.tasks()) == ["payments.possible_twin"]
    await till.desk.match(twin.id, (other.id, "99.99"))
    assert "0.01 CZK" in (await till.tasks())["payments.overpaid"]
    third = await till.payment("2026001", **LIKENESS)
    assert {*third.twin_ids} == {first.id, twin.id}
    undone = await till.desk.undo(twin.id)
    assert undone.status == pb.PAYMENT_STATUS_POSSIBLE_TWIN
    assert {*undone.twin_ids} == {first.id, third.id}
    assert await till.paid(order, other) == ["100 PAID", "0 UNPAID"]
    confirmed = await till.desk.decide("ConfirmPayment", twin.id)
    assert confirmed.status == pb.PAYMENT_STATUS_DUPLICATE
    await till.audit()


async def test_the_first_of_two_senders_at_two_addresses_lets_go_its_own_alone(till: Till) -> None:
    orders = [await till.order(f"202600{place}") for place in range(4)]
    address = str(uuid4())
    held = [
        await till.payment("2026000", sender_domain="a.example", address_id=address),
        await till.payment("2026001", sender_domain="a.example", address_id=address),
        await till.payment("2026002", sender_domain="a.example"),
        await till.payment("2026003", sender_domain="b.example", address_id=address),
    ]
    await till.desk.decide("DiscardPayment", held[1].id, reason="not ours")
    confirmed = await till.desk.decide("ConfirmPayment", held[0].id)
    assert "other" not in confirmed.decisions[0].summary
    assert await till.paid(*orders) == ["100 PAID", "0 UNPAID", "0 UNPAID", "0 UNPAID"]
    assert list(await till.tasks()) == ["payments.unconfirmed.new_sender"]
    for each in held[2:]:
        await till.desk.decide("ConfirmPayment", each.id)
    assert not await till.tasks()
    await till.audit()


async def test_a_sender_is_confirmed_beyond_the_hourly_cap_and_undone(till: Till) -> None:
    """What a person confirmed pays; what was let go with it waits anew, now for the cap."""
    orders = [await till.order(f"202600{place}") for place in range(3)]
    fields: dict[str, Any] = {"sender_domain": "new.example", "automatic_per_hour": 1}
    held = [await till.payment(order.number, **fields) for order in orders]
    await till.desk.decide("ConfirmPayment", held[2].id)
    await till.scene.recheck()
    assert await till.paid(*orders) == ["0 UNPAID", "0 UNPAID", "100 PAID"]
    assert list(await till.tasks()) == ["payments.unconfirmed.hourly_cap"]
    await till.audit()
    await till.desk.decide("ConfirmPayment", held[0].id)
    assert await till.paid(*orders) == ["100 PAID", "0 UNPAID", "100 PAID"]
    with pytest.raises(FailedPrecondition, match="jana decided"):
        await till.desk.undo(held[2].id)
    await till.desk.undo(held[0].id)
    await till.desk.undo(held[2].id)
    assert await till.paid(*orders) == ["0 UNPAID"] * 3
    assert list(await till.tasks()) == ["payments.unconfirmed.new_sender"]
    again = await till.payment(orders[0].number, **fields)
    assert again.status == pb.PAYMENT_STATUS_UNCONFIRMED
    await till.audit()
