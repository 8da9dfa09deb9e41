"""Silence, and what is forgotten."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from mail_ingest.mails import janitor, mail_tasks
from mail_ingest.mails.silence import silent_since
from spojka.api.mail.v1 import mail_service_pb2 as api
from spojka.errors import NotFound
from tests.mail_ingest.mails.scene import Scene, letter

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)


def workdays(count: int, *, each: int = 3) -> list[datetime]:
    """Mails of `count` working days, `each` a day, from a Monday on."""
    days = [MONDAY + timedelta(days=day) for day in range(count * 2) if day % 7 < 5][:count]
    return [day + timedelta(hours=hour) for day in days for hour in range(each)]


def test_a_weekend_is_no_silence_where_weekends_are_silent() -> None:
    times = workdays(15)
    friday = times[-1]
    assert friday.weekday() == 4
    for hours in (1, 24, 72, 139):
        assert silent_since(times, friday + timedelta(hours=hours)) is None
    # Twice the weekend that it usually pauses.
    assert silent_since(times, friday + timedelta(hours=141)) == friday


def test_a_mailbox_busy_all_day_is_missed_after_a_day() -> None:
    times = [MONDAY + timedelta(hours=hour) for hour in range(24 * 10)]
    last = times[-1]
    assert silent_since(times, last + timedelta(hours=23)) is None
    assert silent_since(times, last + timedelta(hours=25)) == last


@pytest.mark.parametrize(
    "times",
    [
        [],
        [MONDAY],
        workdays(5),  # too few days
        workdays(11, each=1),  # too few mails
        [MONDAY + timedelta(minutes=minute) for minute in range(500)],  # one busy day
    ],
)
def test_a_mailbox_that_is_not_busy_is_never_silent(times: list[datetime]) -> None:
    assert silent_since(times, MONDAY + timedelta(days=27)) is None


async def test_a_silent_mailbox_is_a_task_until_it_speaks(scene: Scene) -> None:
    now = datetime.now(UTC)
    hours = range(30, 24 * 10, 6)
    for hour in hours:
        await scene.send(letter(str(hour)), at=now - timedelta(hours=hour))
    await scene.janitor.go_round()
    (task,) = await scene.tasks(mail_tasks.MAILBOX_SILENT)
    assert task.subject == scene.connection.id
    await scene.send(letter("1"))
    await scene.janitor.go_round()
    assert await scene.tasks(mail_tasks.MAILBOX_SILENT) == []


async def test_forged_mails_are_no_sign_of_life(scene: Scene) -> None:
    now = datetime.now(UTC)
    for hour in range(30, 24 * 10, 6):
        await scene.send(letter(str(hour)), at=now - timedelta(hours=hour))
    mail_id = await scene.send(letter("1"), ip="198.51.100.66")
    await scene.sql("UPDATE mail SET state = %s WHERE id = %s", api.MAIL_STATE_QUARANTINED, mail_id)
    await scene.janitor.go_round()
    assert len(await scene.tasks(mail_tasks.MAILBOX_SILENT)) == 1


async def test_mails_are_forgotten_after_their_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(janitor, "BATCH_ROWS", 3)
    await scene.worker.start()
    old = [await scene.send(letter(str(vs))) for vs in range(7)]
    confirmation = await scene.send(letter("8"))
    await scene.judged(*old, confirmation)
    await scene.sql(
        "UPDATE mail SET state = %s WHERE id = %s", api.MAIL_STATE_CONFIRMATION, confirmation
    )
    # Ids carry the time, so the mails are made old by theirs.
    await age(scene, old, days=401)
    await age(scene, [confirmation], days=8)
    kept = await scene.send(letter("9"))
    await scene.janitor.go_round()
    assert [mail.id for mail in await scene.desk.mails()] == [str(kept)]
    for table in ("mail_raw", "notified", "mail_queue"):
        count = await scene.sql(
            f"UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = %s AND mail_id <> %s",
            scene.desk.tenant,
            kept,
        )
        assert count == 0, table
    with pytest.raises(NotFound):
        await scene.mail(old[0])


async def age(scene: Scene, ids: Sequence[UUID], *, days: int) -> None:
    """Give mails ids as if they had come that long ago."""
    for place, mail_id in enumerate(ids):
        time = datetime.now(UTC) - timedelta(days=days)
        older = janitor._first_id(time).int + place
        for table, column in (("mail", "id"), ("mail_raw", "mail_id"), ("notified", "mail_id")):
            await scene.sql(
                f"UPDATE {table} SET {column} = %s::uuid WHERE {column} = %s",
                f"{older:032x}",
                mail_id,
            )
