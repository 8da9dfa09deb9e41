"""Tasks of the mail side while what they tell of changes, and once a person dealt with them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from mail_ingest.mails import mail_tasks
from mail_ingest.mails.janitor import Janitor
from spojka.api.mail.v1 import events_pb2
from spojka.api.mail.v1 import mail_service_pb2 as api
from spojka.secrets import Seal
from tests.mail_ingest import letters
from tests.mail_ingest.mails.scene import BANK_SENDER, Scene, letter
from tests.mail_ingest.mails.test_janitor import age

EVIL_IP = "198.51.100.66"


def unknown_form(text: str) -> bytes:
    """A mail of Fio's own that no template reads."""
    return letters.mail(text, sender=BANK_SENDER, subject="Novinka")


async def reprocess(scene: Scene, mail_id: UUID | str) -> api.Mail:
    answer = await scene.desk.call("ReprocessMail", api.ReprocessMailRequest(id=str(mail_id)))
    mail: api.Mail = answer.mail
    return mail


async def resolve(scene: Scene, task: Any) -> None:
    await scene.desk.call("ResolveMailTask", api.ResolveMailTaskRequest(id=task.id))


@pytest.fixture
def later(scene: Scene, seal: Seal) -> Any:
    """Makes a janitor whose clock is ahead by so many days."""

    def janitor(days: float) -> Janitor:
        now = datetime.now(UTC) + timedelta(days=days)
        return Janitor(scene.database, seal, scene.health, 400, lambda: now)

    return janitor


async def receive(scene: Scene, times: list[datetime]) -> None:
    """Rows of mails that came then: their bytes are of no interest to a janitor."""
    await scene.sql(
        """
        INSERT INTO mail (tenant_id, id, connection_id, address_id, digest, size_bytes,
                          client_ip, helo, envelope_from, receive_time, state)
        SELECT tenant_id, gen_random_uuid(), id, address_id, sha256(time::text::bytea), 1,
               '192.0.2.25', '', '', time, 2
        FROM connection, unnest(%s::timestamptz[]) AS time WHERE tenant_id = %s
        """,
        times,
        scene.desk.tenant,
    )


async def test_a_silent_mailbox_is_a_task_however_long_it_is_silent(
    scene: Scene, later: Any
) -> None:
    now = datetime.now(UTC)
    await receive(scene, [now - timedelta(hours=hour) for hour in range(24 * 20)])
    for day in (2, 27, 40):
        await later(day).go_round()
        (task,) = await scene.tasks(mail_tasks.MAILBOX_SILENT)
        assert task.details["since"] == now.isoformat()


async def test_the_busiest_mailbox_of_all_is_missed_too_when_it_is_silent(
    scene: Scene, later: Any
) -> None:
    """A mail a minute: more than the janitor looks at, all of them of the last few days."""
    now = datetime.now(UTC)
    await receive(scene, [now - timedelta(minutes=minute) for minute in range(60 * 24 * 8)])
    await later(2).go_round()
    assert len(await scene.tasks(mail_tasks.MAILBOX_SILENT)) == 1


async def test_a_silence_that_a_person_dealt_with_is_not_told_of_again(
    scene: Scene, later: Any
) -> None:
    """The janitor comes by every quarter of an hour, and the silence is the same."""
    now = datetime.now(UTC)
    await receive(scene, [now - timedelta(hours=hour) for hour in range(24 * 10)])
    await later(2).go_round()
    (task,) = await scene.tasks(mail_tasks.MAILBOX_SILENT)
    await resolve(scene, task)
    await later(2.01).go_round()
    assert await scene.tasks(mail_tasks.MAILBOX_SILENT) == []


async def test_a_mail_from_before_the_rotation_did_not_come_to_a_replaced_address(
    scene: Scene,
) -> None:
    """It is read again after the rotation, or judged only then: the bank may know the new one."""
    first = await scene.send(letter("1"))
    await reprocess(scene, first)
    waiting = await scene.send(letter("2"))
    await scene.desk.rotate(scene.connection, 0)
    await reprocess(scene, first)
    await scene.worker.start()
    await scene.judged(waiting)
    assert await scene.tasks(mail_tasks.OLD_ADDRESS_USED) == []


async def test_a_mail_from_between_two_rotations_came_to_a_replaced_address(scene: Scene) -> None:
    await scene.desk.rotate(scene.connection, 24)
    late = await scene.send(letter())
    await scene.desk.rotate(scene.connection, 24)
    await scene.worker.start()
    await scene.judged(late)
    assert len(await scene.tasks(mail_tasks.OLD_ADDRESS_USED)) == 1


async def test_a_mail_read_again_opens_no_task_that_a_person_dealt_with(scene: Scene) -> None:
    rotated = await scene.desk.rotate(scene.connection, 24)
    await scene.worker.start()
    old = await scene.send(letter("1"))
    confirmation = await scene.send(
        letters.mail(
            "Confirmation code: 123456789\n\nhttps://mail-settings.google.com/mail/vf-abc\n",
            sender="forwarding-noreply@google.com",
            subject="(#123456789) Gmail Forwarding Confirmation - Receive Mail from a@b.example",
        ),
        to=rotated.address,
    )
    forged = await scene.send(letter("2"), to=rotated.address, ip=EVIL_IP)
    await scene.judged(old, confirmation, forged)
    kinds = (
        mail_tasks.OLD_ADDRESS_USED,
        mail_tasks.ADDRESS_CONFIRMATION,
        mail_tasks.REJECTED_MAIL,
    )
    for kind in kinds:
        (task,) = await scene.tasks(kind)
        await resolve(scene, task)
    for mail_id in (old, confirmation, forged):
        await reprocess(scene, mail_id)
    assert {kind: len(await scene.tasks(kind)) for kind in kinds} == dict.fromkeys(kinds, 0)


async def test_unreadable_mails_that_are_forgotten_are_counted_no_more(
    scene: Scene, later: Any
) -> None:
    await scene.worker.start()
    old = [await scene.send(unknown_form(f"form {number}")) for number in range(2)]
    mails = await scene.judged(*old)
    assert {mail.state for mail in mails} == {api.MAIL_STATE_UNREADABLE}
    await age(scene, old, days=300)
    new = await scene.send(unknown_form("form 3"))
    await scene.judged(new)
    (task,) = await scene.tasks(mail_tasks.UNREADABLE_MAILS)
    assert task.details["count"] == "3"
    await later(101).go_round()
    (task,) = await scene.tasks(mail_tasks.UNREADABLE_MAILS)
    assert (task.details["count"], task.subject) == ("1", "fio_cz")
    await later(401).go_round()
    assert await scene.tasks(mail_tasks.UNREADABLE_MAILS) == []


async def test_one_unreadable_mail_is_told_of_as_one_and_why_it_is_not_read(scene: Scene) -> None:
    await scene.worker.start()
    await scene.judged(await scene.send(unknown_form("form")))
    (task,) = await scene.tasks(mail_tasks.UNREADABLE_MAILS)
    assert task.summary == "1 mail of fio_cz can't be read"
    assert "template" in task.details["last_reason"]


async def test_a_mail_that_is_read_says_nothing_of_why_the_others_are_not(scene: Scene) -> None:
    await scene.worker.start()
    read = await scene.send(letter("1"))
    unread = [await scene.send(unknown_form(f"form {number}")) for number in range(2)]
    await scene.judged(read, *unread)
    (before,) = await scene.tasks(mail_tasks.UNREADABLE_MAILS)
    await scene.sql(
        "UPDATE mail SET state = %s, bank = 'fio_cz' WHERE id = %s",
        api.MAIL_STATE_UNREADABLE,
        read,
    )
    assert (await reprocess(scene, read)).state == api.MAIL_STATE_READ
    (after,) = await scene.tasks(mail_tasks.UNREADABLE_MAILS)
    assert dict(after.details) == dict(before.details)


async def test_what_was_rejected_for_a_wrong_account_is_told_once_the_account_is_mended(
    scene: Scene,
) -> None:
    own = letters.account_number(777)
    await scene.worker.start()
    (mail,) = await scene.judged(await scene.send(letter(own=own)))
    assert (mail.state, mail.kind) == (api.MAIL_STATE_QUARANTINED, "foreign_account")
    (other,) = await scene.judged(await scene.send(letter("2", own=letters.account_number(778))))
    (task,) = await scene.tasks(mail_tasks.REJECTED_MAIL)
    assert task.details["mail_id"] == mail.id
    scene.connection.account = f"{own}/2010"
    await scene.desk.update(scene.connection)
    mended = await reprocess(scene, mail.id)
    assert (mended.state, mended.action) == (api.MAIL_STATE_READ, "match")
    (event,) = await scene.told()
    assert event.action == events_pb2.NOTIFICATION_ACTION_MATCH
    # "It pays nothing" would be untrue of it by now; of the other it is true.
    (task,) = await scene.tasks(mail_tasks.REJECTED_MAIL)
    assert task.details["mail_id"] == other.id
    scene.connection.account = f"{letters.account_number(778)}/2010"
    await scene.desk.update(scene.connection)
    await reprocess(scene, other.id)
    assert await scene.tasks(mail_tasks.REJECTED_MAIL) == []
