"""Mails that are kept for a shorter time than events are no difference once they are forgotten."""

from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from mail_ingest.mails.janitor import Janitor
from spojka.database import Database
from spojka.delivery.health import Health
from spojka.secrets import Seal
from tests.conftest import service_url
from tests.mail_ingest.desk import SEALING_KEYS
from tests.verification.lived import Lived

LATER = timedelta(days=2)


async def _forget(lived: Lived, retention_days: int) -> None:
    """Let the mails be forgotten as the service does it, two days on."""
    database = Database(service_url(lived.url, "mail_ingest"), "mail_ingest", application="tests")
    await database.open()
    try:
        update = {"sealing_keys": SecretStr(SEALING_KEYS)}
        seal = Seal(lived.settings.model_copy(update=update).sealing)
        now = datetime.now(UTC) + LATER
        await Janitor(database, seal, Health(), retention_days, lambda: now).go_round()
    finally:
        await database.close()


async def test_mails_that_are_forgotten_are_no_difference(copy: Lived) -> None:
    await _forget(copy, retention_days=1)
    kept = copy.settings.model_copy(update={"mail_retention_days": 1})
    report = await copy.with_settings(kept).verify("mail_ingest", topics=True)
    assert report.services["mail_ingest"].checked["mail"] == 0
    assert report.agrees, report.services["mail_ingest"].differences


async def test_mails_that_must_still_be_kept_are_missed(copy: Lived) -> None:
    await _forget(copy, retention_days=1)
    kept = copy.settings.model_copy(update={"mail_retention_days": 3})
    report = await copy.with_settings(kept).verify("mail_ingest", topics=True)
    found = [each for _, each in report.services["mail_ingest"].differences]
    assert {each.what for each in found} == {"movement"}
    assert len(found) == 2
