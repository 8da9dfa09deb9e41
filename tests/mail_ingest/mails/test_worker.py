"""From a stored mail to what payments are told, on real PostgreSQL and real DNS."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from mail_ingest.judging import Outcome, judge_mail
from mail_ingest.mails import judge as judging
from mail_ingest.mails import worker as working
from mail_ingest.mails.judge import Judge, Verdict
from mail_ingest.mails.model import StoredMail
from mail_ingest.mails.worker import Worker
from spojka.api.mail.v1 import events_pb2, mail_service_pb2
from spojka.errors import Unavailable
from tests.mail_ingest import letters
from tests.mail_ingest.mails.scene import BANK_SENDER, Scene, letter
from tests.waiting import until


async def test_a_genuine_mail_is_told_once_with_all_that_payments_need(scene: Scene) -> None:
    await scene.worker.start()
    mail_id = await scene.send(letter())
    (mail,) = await scene.judged(mail_id)
    assert mail.state == mail_service_pb2.MAIL_STATE_READ
    assert mail.trust == events_pb2.TRUST_TRUSTED
    assert (mail.bank, mail.kind, mail.action) == ("fio_cz", "incoming_payment", "match")
    assert mail.envelope_to == scene.connection.address
    assert mail.envelope_from == BANK_SENDER
    assert mail.attempts == 1
    assert any(line.startswith("SPF of fio.cz") and "pass" in line for line in mail.evidence)
    (event,) = await scene.told()
    assert event.mail_id == mail.id
    assert event.bank_connection_id == scene.connection.id
    assert event.movement == 0
    assert event.action == events_pb2.NOTIFICATION_ACTION_MATCH
    assert event.trust == events_pb2.TRUST_TRUSTED
    assert event.sender_domain == "fio.cz"
    assert event.template == mail.template
    assert (event.automatic_limit, event.automatic_per_hour) == ("5000", 9)
    assert event.payment == mail.payments[0]
    assert event.payment.incoming
    assert event.payment.amount.amount == "1249"
    assert event.payment.variable_symbol == "26000147"
    assert event.payment.own_account == scene.connection.account
    assert scene.nudges
    assert scene.health.ok


async def test_the_same_bytes_from_elsewhere_are_quarantined_and_told_to_nobody(
    scene: Scene,
) -> None:
    await scene.worker.start()
    ids = [
        await scene.send(letter(str(vs)), ip="198.51.100.66", sender="x@evil.example")
        for vs in range(3)
    ]
    mails = await scene.judged(*ids)
    assert {mail.state for mail in mails} == {mail_service_pb2.MAIL_STATE_QUARANTINED}
    assert {mail.trust for mail in mails} == {events_pb2.TRUST_REJECTED}
    assert await scene.told() == []
    # The first of the day is told to a person, and no more after it is dealt with.
    (task,) = await scene.tasks("REJECTED_MAIL")
    await scene.desk.call("ResolveMailTask", mail_service_pb2.ResolveMailTaskRequest(id=task.id))
    again = await scene.send(letter("9"), ip="198.51.100.66", sender="x@evil.example")
    await scene.judged(again)
    assert await scene.tasks("REJECTED_MAIL") == []


async def test_a_genuine_mail_about_another_account_is_told_to_nobody(scene: Scene) -> None:
    await scene.worker.start()
    (mail,) = await scene.judged(await scene.send(letter(own=letters.account_number(777))))
    assert mail.state == mail_service_pb2.MAIL_STATE_QUARANTINED
    assert await scene.told() == []


async def test_a_mail_sent_twice_is_told_once(scene: Scene) -> None:
    await scene.worker.start()
    raw = letter()
    mail_id = await scene.send(raw)
    await scene.judged(mail_id)
    await scene.send(raw)
    await scene.send(raw)
    assert len(await scene.told()) == 1
    (mail,) = await scene.desk.mails()
    assert "The same bytes came 2 times more." in mail.evidence


async def test_a_copy_that_came_first_does_not_keep_the_banks_own_from_being_judged(
    scene: Scene,
) -> None:
    await scene.worker.start()
    raw = letter()
    copy = await scene.send(raw, ip="198.51.100.66")
    own = await scene.send(raw)
    first, second = await scene.judged(copy, own)
    assert (first.trust, second.trust) == (events_pb2.TRUST_REJECTED, events_pb2.TRUST_TRUSTED)
    assert [event.mail_id for event in await scene.told()] == [str(own)]


async def test_silent_dns_makes_mails_wait_and_not_lost(scene: Scene) -> None:
    scene.zone.silent.add("fio.cz")
    await scene.worker.start()
    mail_id = await scene.send(letter())

    async def tried() -> bool:
        return (await scene.mail(mail_id)).attempts >= 1

    await until(tried, "the mail was judged without an answer")
    mail = await scene.mail(mail_id)
    assert mail.state == mail_service_pb2.MAIL_STATE_RECEIVED
    assert mail.trust != events_pb2.TRUST_TRUSTED
    assert mail.next_attempt_time.ToDatetime(UTC) > datetime.now(UTC)
    assert await scene.told() == []
    assert [trouble.part for trouble in scene.health.troubles] == ["mail verification"]
    scene.zone.silent.clear()
    await scene.make_due()
    (mail,) = await scene.judged(mail_id)
    assert mail.trust == events_pb2.TRUST_TRUSTED
    assert not mail.HasField("next_attempt_time")
    assert len(await scene.told()) == 1
    assert scene.health.ok


async def test_dns_that_stays_silent_is_not_waited_for_without_end(scene: Scene) -> None:
    scene.zone.silent.add("fio.cz")
    mail_id = await scene.send(letter(), at=datetime.now(UTC) - timedelta(hours=25))
    await scene.worker.start()
    (mail,) = await scene.judged(mail_id)
    assert mail.trust != events_pb2.TRUST_TRUSTED
    assert all(event.action != events_pb2.NOTIFICATION_ACTION_MATCH for event in await scene.told())


async def test_a_mail_that_breaks_the_judging_stops_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge.judge

    async def fragile(self: Judge, mail: StoredMail) -> Verdict:
        if b"order 666" in mail.raw:
            raise RecursionError("too deep")
        return await judge(self, mail)

    monkeypatch.setattr(Judge, "judge", fragile)
    monkeypatch.setattr(working, "RETRY_FIRST", timedelta(0))
    await scene.worker.start()
    bad = await scene.send(letter("666"))
    good = [await scene.send(letter(str(vs))) for vs in range(1, 6)]
    assert all(mail.state == mail_service_pb2.MAIL_STATE_READ for mail in await scene.judged(*good))
    (mail,) = await scene.judged(bad)
    assert mail.state == mail_service_pb2.MAIL_STATE_UNREADABLE
    assert mail.trust_reason == f"Judging it broke off {working.BROKEN_MAX} times."
    # The first time it was judged beside others.
    assert scene.worker.stats.broken_judgings == 1 + working.BROKEN_MAX
    assert len(await scene.told()) == 5
    (task,) = await scene.tasks("UNREADABLE_MAILS")
    assert task.details["count"] == "1"


async def test_mails_taken_with_one_that_ends_the_process_are_not_blamed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends it is judged unreadable at last; all others are read, however often they fell."""
    judge, fell, beside = Judge.judge, asyncio.Event(), set[UUID]()

    async def fatal(self: Judge, mail: StoredMail) -> Verdict:
        beside.add(mail.row.id)
        try:
            if b"order 666" in mail.raw:
                fell.set()
                await asyncio.Event().wait()
            if len(beside) > 1:
                await asyncio.Event().wait()
            return await judge(self, mail)
        finally:
            beside.remove(mail.row.id)

    monkeypatch.setattr(Judge, "judge", fatal)
    good = [await scene.send(letter(str(vs))) for vs in range(1, 16)]
    bad = await scene.send(letter("666"))
    for _ in range(1 + working.BROKEN_MAX):
        fell.clear()
        await scene.worker.start()
        async with asyncio.timeout(30):
            await fell.wait()
        await scene.worker.stop()
        await scene.make_due()
    await scene.worker.start()
    (mail,) = await scene.judged(bad)
    assert mail.state == mail_service_pb2.MAIL_STATE_UNREADABLE
    assert mail.trust_reason == f"Judging it broke off {working.BROKEN_MAX} times."
    assert {mail.state for mail in await scene.judged(*good)} == {mail_service_pb2.MAIL_STATE_READ}
    assert len(await scene.told()) == len(good)


async def test_a_mail_that_can_not_be_recorded_stops_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge.judge

    async def poisoned(self: Judge, mail: StoredMail) -> Verdict:
        verdict = await judge(self, mail)
        if b"order 666" in mail.raw:
            # A text that PostgreSQL does not take.
            return replace(verdict, evidence="\x00")
        return verdict

    monkeypatch.setattr(Judge, "judge", poisoned)
    ids = [await scene.send(letter(vs)) for vs in ("1", "666", "2")]
    await scene.worker.start()
    await scene.judged(ids[0], ids[2])
    assert (await scene.mail(ids[1])).state == mail_service_pb2.MAIL_STATE_RECEIVED
    assert len(await scene.told()) == 2


async def test_several_workers_share_the_mails(scene: Scene) -> None:
    others = [
        Worker(scene.database, scene.worker._judge, scene.health, lambda: None) for _ in range(3)
    ]
    ids = [await scene.send(letter(str(vs))) for vs in range(1, 121)]
    workers = [scene.worker, *others]
    try:
        for worker in workers:
            await worker.start()
        mails = await scene.judged(*ids)
    finally:
        for worker in others:
            await worker.stop()
    assert {mail.attempts for mail in mails} == {1}
    assert sum(worker.stats.judged_mails for worker in workers) == 120
    events = await scene.told()
    assert sorted(int(event.payment.variable_symbol) for event in events) == list(range(1, 121))


async def test_postgresql_away_while_recording_loses_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, failures = Worker._commit, [Unavailable("away"), Unavailable("away")]

    async def flaky(self: Worker, *arguments: Any) -> None:
        if failures:
            raise failures.pop()
        await commit(self, *arguments)

    monkeypatch.setattr(Worker, "_commit", flaky)
    monkeypatch.setattr(working, "PAUSE_SECONDS", 0.01)
    await scene.worker.start()
    await scene.judged(await scene.send(letter()))
    assert len(await scene.told()) == 1
    assert not failures


async def test_a_stopped_workers_mail_is_taken_by_another_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, begun, go_on = Judge.judge, asyncio.Event(), asyncio.Event()

    async def slow(self: Judge, mail: StoredMail) -> Verdict:
        begun.set()
        await go_on.wait()
        return await judge(self, mail)

    monkeypatch.setattr(Judge, "judge", slow)
    await scene.worker.start()
    mail_id = await scene.send(letter())
    await begun.wait()
    # Its time runs out: another worker has it now, and is the first to finish.
    monkeypatch.setattr(Judge, "judge", judge)
    other = Worker(scene.database, scene.worker._judge, scene.health, lambda: None)
    await scene.make_due()
    await other.start()
    await scene.judged(mail_id)
    await other.stop()
    go_on.set()

    def recorded() -> bool:
        return scene.worker.stats.judged_mails == 1

    await until(recorded, "the late worker is done, too")
    assert len(await scene.told()) == 1
    assert (await scene.mail(mail_id)).attempts == 1


async def test_a_connection_switched_off_keeps_its_mails_and_tells_nothing(scene: Scene) -> None:
    scene.connection.inactive = True
    await scene.desk.update(scene.connection)
    await scene.worker.start()
    (mail,) = await scene.judged(await scene.send(letter()))
    assert mail.state == mail_service_pb2.MAIL_STATE_READ
    assert len(mail.payments) == 1
    assert await scene.told() == []
    scene.connection.inactive = False
    await scene.desk.update(scene.connection)
    await scene.desk.call("ReprocessMail", mail_service_pb2.ReprocessMailRequest(id=mail.id))
    assert len(await scene.told()) == 1


async def test_a_mail_to_the_old_address_counts_and_is_pointed_out(scene: Scene) -> None:
    await scene.desk.rotate(scene.connection, 24)
    await scene.worker.start()
    (mail,) = await scene.judged(await scene.send(letter(), to=scene.connection.address))
    assert mail.action == "match"
    assert len(await scene.tasks("OLD_ADDRESS_USED")) == 1


async def test_a_confirmation_is_shown_and_its_code_is_in_no_task_and_no_log(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = letters.mail(
        "Confirmation code: 123456789\n\nhttps://mail-settings.google.com/mail/vf-abc\n",
        sender="forwarding-noreply@google.com",
        subject="(#123456789) Gmail Forwarding Confirmation - Receive Mail from a@b.example",
    )
    await scene.worker.start()
    (mail,) = await scene.judged(await scene.send(raw, sender="x@google.com"))
    assert mail.state == mail_service_pb2.MAIL_STATE_CONFIRMATION
    assert mail.action == "show_to_user"
    assert "123456789" in mail.confirmation
    (task,) = await scene.tasks("ADDRESS_CONFIRMATION")
    assert task.details["mail_id"] == mail.id
    assert "123456789" not in str(task)
    assert await scene.told() == []
    printed = capsys.readouterr()
    assert "123456789" not in printed.out + printed.err


async def test_a_large_mail_is_judged_beside_the_loop(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    def noted(*arguments: Any) -> Outcome:
        threads.append(threading.current_thread().name)
        return judge_mail(*arguments)

    monkeypatch.setattr(judging, "judge_mail", noted)
    await scene.worker.start()
    large = letter() + b"\r\n" + b"x" * 60 + b"\r\n" * judging.LARGE_BYTES
    await scene.judged(await scene.send(large), await scene.send(letter("1")))
    beside = [name for name in threads if name != threading.main_thread().name]
    assert (len(threads), len(beside)) == (2, 1)
