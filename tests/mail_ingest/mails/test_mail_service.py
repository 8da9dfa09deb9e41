"""MailService: lists, evidence, judging and reading again, and other tenants kept out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from mail_ingest.banks.reading import Kind, Reading
from mail_ingest.judging import Outcome, judge_mail
from mail_ingest.mails import judge as judging
from spojka.api.mail.v1 import events_pb2
from spojka.api.mail.v1 import mail_service_pb2 as api
from spojka.errors import NotFound
from spojka.settings import Settings
from tests.mail_ingest.mails.scene import Scene, letter

Judge = Callable[..., Outcome]


def without_template(judge: Judge) -> Judge:
    """As if no template knew the mail."""

    def judged(*arguments: Any) -> Outcome:
        outcome = judge(*arguments)
        reading = Reading(kind=Kind.UNKNOWN, findings=("no template knows this mail",))
        return replace(outcome, reading=reading)

    return judged


async def reprocess(scene: Scene, mail_id: UUID | str) -> api.Mail:
    answer = await scene.desk.call("ReprocessMail", api.ReprocessMailRequest(id=str(mail_id)))
    mail: api.Mail = answer.mail
    return mail


async def test_a_mail_is_read_anew_once_its_template_is_mended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(judging, "judge_mail", without_template(judge_mail))
        await scene.worker.start()
        ids = [await scene.send(letter(vs)) for vs in ("1", "2")]
        mails = await scene.judged(*ids)
    assert {mail.state for mail in mails} == {api.MAIL_STATE_UNREADABLE}
    assert await scene.told() == []
    (task,) = await scene.tasks("UNREADABLE_MAILS")
    assert (task.subject, task.details["count"]) == ("fio_cz", "2")
    # DNS is not asked again: the evidence was kept.
    scene.zone.silent.add("fio.cz")
    asked = scene.zone.asked["fio.cz"]
    mended = await reprocess(scene, ids[0])
    assert (mended.state, mended.action) == (api.MAIL_STATE_READ, "match")
    assert mended.attempts == 2
    assert scene.zone.asked["fio.cz"] == asked
    (task,) = await scene.tasks("UNREADABLE_MAILS")
    assert task.details["count"] == "1"
    await reprocess(scene, ids[1])
    assert await scene.tasks("UNREADABLE_MAILS") == []
    for mail_id in ids:
        await reprocess(scene, mail_id)
    events = await scene.told()
    assert [event.payment.variable_symbol for event in events] == ["1", "2"]
    assert {event.action for event in events} == {events_pb2.NOTIFICATION_ACTION_MATCH}


async def test_what_a_mail_tells_anew_after_it_told_something_waits_for_a_person(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.worker.start()
    (mail,) = await scene.judged(await scene.send(letter("1", "100.00")))

    def another(judge: Judge) -> Judge:
        def judged(*arguments: Any) -> Outcome:
            outcome = judge(*arguments)
            first = outcome.reading.movements[0]
            second = replace(first, amount=first.amount * 2, vs="2")
            # The template once missed the block that stands first.
            both = replace(outcome.reading, movements=(second, first))
            return replace(outcome, reading=both)

        return judged

    monkeypatch.setattr(judging, "judge_mail", another(judge_mail))
    await reprocess(scene, mail.id)
    await reprocess(scene, mail.id)
    first, second = await scene.told()
    assert (first.movement, first.payment.amount.amount) == (0, "100")
    assert (second.movement, second.payment.amount.amount) == (1, "200")
    assert second.action == events_pb2.NOTIFICATION_ACTION_REVIEW


async def test_a_mail_that_waits_can_be_judged_at_once(scene: Scene) -> None:
    """The worker is not running: reading again takes the mail out of its queue."""
    mail_id = await scene.send(letter())
    assert (await reprocess(scene, mail_id)).state == api.MAIL_STATE_READ
    await scene.worker.start()
    await scene.judged(await scene.send(letter("2")))
    assert len(await scene.told()) == 2
    assert (await scene.mail(mail_id)).attempts == 1


async def test_verifying_asks_anew_and_changes_nothing(scene: Scene) -> None:
    await scene.worker.start()
    mail_id = await scene.send(letter())
    (before,) = await scene.judged(mail_id)
    request = api.VerifyMailRequest(id=str(mail_id))
    assert (await scene.desk.call("VerifyMail", request)).trust == events_pb2.TRUST_TRUSTED
    scene.zone.txt("fio.cz", "v=spf1 -all")
    await scene.sql("UPDATE mail SET client_ip = '192.0.2.99' WHERE id = %s", mail_id)
    answer = await scene.desk.call("VerifyMail", request)
    assert answer.trust == events_pb2.TRUST_REJECTED
    assert answer.trust_reason
    assert any("SPF of fio.cz for 192.0.2.99" in line for line in answer.evidence)
    await scene.sql("UPDATE mail SET client_ip = %s WHERE id = %s", before.client_ip, mail_id)
    assert await scene.mail(mail_id) == before
    assert len(await scene.told()) == 1


async def test_the_bytes_are_given_as_they_came(scene: Scene) -> None:
    raw = letter() + b"\xff\x00\r\n"
    mail_id = await scene.send(raw)
    assert (await scene.desk.mail(str(mail_id), raw=True)).raw == raw
    assert (await scene.desk.mail(str(mail_id))).raw == b""
    assert (await scene.mail(mail_id)).size_bytes == len(raw)


async def test_lists_go_by_filters_and_pages(scene: Scene) -> None:
    await scene.worker.start()
    other = await scene.desk.connect("2000145399/0800")
    good = [str(await scene.send(letter(str(vs)))) for vs in range(5)]
    bad = [
        str(await scene.send(letter("7"), to=other.address, ip="198.51.100.66", sender="x@y.cz"))
    ]
    await scene.judged(*(UUID(each) for each in good + bad))

    async def listed(**filters: Any) -> list[str]:
        return [mail.id for mail in await scene.desk.mails(**filters)]

    assert await listed() == sorted(good + bad, reverse=True)
    assert await listed(state=api.MAIL_STATE_QUARANTINED) == bad
    assert await listed(trust=events_pb2.TRUST_TRUSTED) == sorted(good, reverse=True)
    assert await listed(bank_connection_id=other.id) == bad
    assert await listed(bank_connection_id=other.id, state=api.MAIL_STATE_READ) == []
    seen: list[str] = []
    token = ""
    while True:
        answer = await scene.desk.call(
            "ListMails", api.ListMailsRequest(page_size=4, page_token=token)
        )
        seen += [mail.id for mail in answer.mails]
        token = answer.next_page_token
        if not token:
            break
    assert seen == sorted(good + bad, reverse=True)


async def test_another_tenant_reaches_no_mail(scene: Scene) -> None:
    await scene.worker.start()
    mail_id = await scene.send(letter(), ip="198.51.100.66")
    await scene.judged(mail_id)
    (task,) = await scene.tasks("REJECTED_MAIL")
    thief = scene.desk.as_tenant(uuid4())
    for method, request in (
        ("GetMail", api.GetMailRequest(id=str(mail_id), include_raw=True)),
        ("VerifyMail", api.VerifyMailRequest(id=str(mail_id))),
        ("ReprocessMail", api.ReprocessMailRequest(id=str(mail_id))),
        ("ResolveMailTask", api.ResolveMailTaskRequest(id=task.id)),
    ):
        with pytest.raises(NotFound):
            await thief.call(method, request)
    assert await thief.mails() == []
    assert await thief.mails(bank_connection_id=scene.connection.id) == []
    answer = await thief.call("ListMailTasks", api.ListMailTasksRequest(include_resolved=True))
    assert list(answer.tasks) == []


async def test_sql_without_the_tenant_reaches_no_row(scene: Scene) -> None:
    await scene.worker.start()
    await scene.judged(await scene.send(letter()))
    tables = ("connection", "mail", "mail_raw", "notified")
    async with scene.database.infrastructure() as connection:
        for table in tables:
            cursor = await connection.execute(f"SELECT count(*) FROM {table}".encode())
            assert await cursor.fetchone() == (0,), table
    async with scene.database.transaction(uuid4()) as connection:
        for table in tables:
            cursor = await connection.execute(f"UPDATE {table} SET tenant_id = tenant_id".encode())
            assert cursor.rowcount == 0, table
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with scene.database.transaction(uuid4()) as connection:
            await connection.execute(
                "INSERT INTO mail_raw (tenant_id, mail_id, raw) VALUES (%s, %s, '')",
                [scene.desk.tenant, uuid4()],
            )


async def test_mails_stored_together_leave_no_tenant_on_the_connection(scene: Scene) -> None:
    await scene.send(letter())
    for _ in range(10):
        async with scene.database.autocommit() as connection:
            cursor = await connection.execute(
                "SELECT coalesce(current_setting('app.tenant', true), ''), count(mail) FROM mail"
                " RIGHT JOIN (SELECT) AS one ON true"
            )
            assert await cursor.fetchone() == ("", 0)


async def test_one_more_time_is_told_of_in_the_singular(scene: Scene) -> None:
    raw = letter()
    mail_id = await scene.send(raw)
    await scene.send(raw)
    assert "The same bytes came once more." in (await scene.mail(mail_id)).evidence


async def test_the_largest_mail_that_may_be_taken_can_be_shown_with_its_bytes(scene: Scene) -> None:
    """The setting `mail_max_bytes` lets an operator take mails as large as this."""
    largest = max(
        limit.le
        for limit in Settings.model_fields["mail_max_bytes"].metadata
        if hasattr(limit, "le")
    )
    raw = letter() + b"x" * (largest - len(letter()))
    mail_id = await scene.send(raw)
    shown = await scene.desk.mail(str(mail_id), raw=True)
    assert (shown.mail.size_bytes, len(shown.raw)) == (largest, largest)
