"""What is told of mails judged together, twice and at once; each movement once."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from uuid import UUID

import pytest

from mail_ingest.mails.judge import Judge, Verdict
from mail_ingest.mails.model import StoredMail
from mail_ingest.mails.worker import BROKEN_MAX
from spojka.api.mail.v1 import events_pb2
from spojka.api.mail.v1 import mail_service_pb2 as api
from tests.mail_ingest import letters
from tests.mail_ingest.mails.scene import BANK_IP, BANK_SENDER, Scene, letter

BUSINESS_SENDER = "noreply@csob.cz"
BUSINESS_ACCOUNT = letters.account_number(300_000_000)


async def reprocess(scene: Scene, mail_id: UUID | str) -> api.Mail:
    answer = await scene.desk.call("ReprocessMail", api.ReprocessMailRequest(id=str(mail_id)))
    mail: api.Mail = answer.mail
    return mail


def business(*told: letters.Told, sender: str = BUSINESS_SENDER) -> bytes:
    """A mail of ČSOB's business bank: several movements in one."""
    return letters.mail(
        letters.csob_business(*map(letters.csob_business_block, told)),
        sender=sender,
        subject="Moje info",
        date=format_datetime(datetime.now(UTC)),
    )


def paid(vs: str, amount: str = "100.00", *, own: str = BUSINESS_ACCOUNT) -> letters.Told:
    day = datetime.now(UTC).strftime("%d.%m.%Y")
    return letters.Told(Decimal(amount), own=own, vs=vs, day=day, message=f"order {vs}")


async def several(scene: Scene, *told: letters.Told) -> api.Mail:
    """A mail of several movements, judged."""
    connection = await scene.desk.connect(f"{BUSINESS_ACCOUNT}/0300")
    scene.zone.txt("csob.cz", f"v=spf1 ip4:{BANK_IP} -all")
    mail_id = await scene.send(business(*told), to=connection.address, sender=BUSINESS_SENDER)
    await scene.worker.start()
    (mail,) = await scene.judged(mail_id)
    return mail


async def test_movements_of_one_mail_that_look_alike_are_each_told_once(scene: Scene) -> None:
    mail = await several(scene, paid("1"), paid("1"), paid("2"), paid("3", "7.50"))
    assert [each.amount.amount for each in mail.payments] == ["100", "100", "100", "7.5"]
    for _ in range(2):
        await asyncio.gather(*(reprocess(scene, mail.id) for _ in range(3)))
    events = await scene.told()
    assert [event.movement for event in events] == [0, 1, 2, 3]
    assert [event.payment.variable_symbol for event in events] == ["1", "1", "2", "3"]
    assert (await scene.mail(UUID(mail.id))).attempts == 7


async def test_of_one_mails_movements_only_those_of_the_own_account_are_told(scene: Scene) -> None:
    stranger = letters.account_number(777)
    mail = await several(scene, paid("1"), paid("2", own=stranger), paid("3"))
    assert len(mail.payments) == 3
    assert mail.action == "review"
    events = await scene.told()
    assert [event.payment.variable_symbol for event in events] == ["1", "3"]
    assert {event.action for event in events} == {events_pb2.NOTIFICATION_ACTION_REVIEW}
    await reprocess(scene, mail.id)
    assert len(await scene.told()) == 2


async def test_a_batch_of_every_outcome_is_written_whole(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them broke off too often and has no evidence at all: its neighbours have theirs."""
    raws = [
        letter("1"),
        letters.mail("new form", sender=BANK_SENDER, subject="Novinka"),
        b"\xff\xfe no headers at all",
        b"From: a@fio.cz\r\nFrom: b@fio.cz\r\nSubject: =?utf-8?b?8J+YgA==?=\r\n\r\n\xf0\x9f",
        letters.mail("Žluťoučký kůň", sender="Jiří <x@neznama.example>", charset="utf-16"),
        letter("2"),
    ]
    sent = [await scene.send(raw) for raw in raws]
    broken = await scene.send(letter("666"))
    await scene.sql(
        "UPDATE mail_queue SET broken = 1, alone = %s WHERE mail_id = %s",
        BROKEN_MAX,
        broken,
    )
    all_came, judge = asyncio.Event(), Judge.judge
    came: list[UUID] = []

    async def together(self: Judge, mail: StoredMail) -> Verdict:
        came.append(mail.row.id)
        if len(came) == len(sent):
            all_came.set()
        await all_came.wait()
        return await judge(self, mail)

    monkeypatch.setattr(Judge, "judge", together)
    await scene.worker.start()
    mails = await scene.judged(*sent, broken)
    assert [mail.state for mail in mails] == [
        api.MAIL_STATE_READ,
        api.MAIL_STATE_UNREADABLE,
        api.MAIL_STATE_QUARANTINED,
        api.MAIL_STATE_QUARANTINED,
        mails[4].state,
        api.MAIL_STATE_READ,
        api.MAIL_STATE_UNREADABLE,
    ]
    assert mails[4].trust == events_pb2.TRUST_REJECTED
    assert all(mail.trust_reason and mail.attempts == 1 for mail in mails)
    assert [bool(mail.evidence) for mail in mails] == [True] * 6 + [False]
    events = await scene.told()
    assert sorted(event.payment.variable_symbol for event in events) == ["1", "2"]
    # Its evidence is gathered at last.
    assert (await reprocess(scene, broken)).state == api.MAIL_STATE_READ
    assert len(await scene.told()) == 3


async def test_the_worker_and_people_who_read_one_mail_at_once_tell_it_once(scene: Scene) -> None:
    ids = [await scene.send(letter(str(vs))) for vs in range(1, 6)]
    await scene.worker.start()
    await asyncio.gather(*(reprocess(scene, mail_id) for mail_id in ids * 3))
    mails = await scene.judged(*ids)
    assert {mail.state for mail in mails} == {api.MAIL_STATE_READ}
    events = await scene.told()
    assert sorted(event.payment.variable_symbol for event in events) == ["1", "2", "3", "4", "5"]
    assert {event.action for event in events} == {events_pb2.NOTIFICATION_ACTION_MATCH}
