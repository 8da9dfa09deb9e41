"""`spojka verify` as an operator calls it."""

import json

import psycopg
import pytest

from spojka.up.preparation import own_database_url
from spojka.verification.snapshot import opened
from tests.cli.running import call
from tests.verification.lived import Lived


def _env(lived: Lived) -> dict[str, str]:
    assert lived.settings.role_secret is not None
    return {
        "SPOJKA_DATABASE_URL": lived.url,
        "SPOJKA_ROLE_SECRET": lived.settings.role_secret.get_secret_value(),
        "SPOJKA_KAFKA_BOOTSTRAP": lived.settings.required_bootstrap(),
        "SPOJKA_TOPIC_PREFIX": lived.settings.topic_prefix,
    }


async def test_all_agrees(lived: Lived) -> None:
    result = await call("verify", env=_env(lived))
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("All agrees.\n")
    assert "7 × item" in result.stdout


async def test_differences_are_told_in_words_and_as_json(copy: Lived) -> None:
    copy.change("UPDATE stock.item SET available = available + 1 WHERE product_number = 'P1'")
    line = ("verify", "--service", "stock", "--tenant", "stock", "--no-topics")
    result = await call(*line, env=_env(copy))
    assert result.exit_code == 1, result.output
    assert "available: stored" in result.stdout
    assert "NOT compared" in result.stdout
    told = await call(*line, "--json", env=_env(copy))
    report = json.loads(told.stdout)
    assert (report["agrees"], report["topics_compared"]) == (False, False)
    (stock,) = report["services"]
    assert stock["difference_count"] == len(stock["differences"]) == 2
    assert {each["tenant"] for each in stock["differences"]} == {"stock"}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (("--service", "nobody"), "no service"),
        (("--tenant", "nobody"), "no tenant"),
        (("--no-such-option",), "No such option"),
    ],
)
async def test_a_wrong_call_is_refused(lived: Lived, line: tuple[str, ...], says: str) -> None:
    result = await call("verify", *line, env=_env(lived))
    assert result.exit_code == 2
    assert says in result.stderr


async def test_nothing_can_be_changed_through_a_snapshot(lived: Lived) -> None:
    async with opened(own_database_url(lived.settings, "stock"), "stock") as snapshot:
        await snapshot.enter(lived.tenants["stock"])
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await snapshot.rows("UPDATE item SET available = 0 RETURNING id")
