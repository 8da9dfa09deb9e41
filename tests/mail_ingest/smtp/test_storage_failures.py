"""PostgreSQL slow, away or unwilling: the sender keeps the mail, and nothing is said twice."""

import asyncio
from typing import Any, Literal

import psycopg
import pytest

from mail_ingest.smtp.handler import Handler
from mail_ingest.smtp.server import SmtpServer
from spojka.database import Database
from tests.mail_ingest.desk import Desk
from tests.mail_ingest.smtp.conftest import OpenDoor
from tests.mail_ingest.smtp.test_door import stored
from tests.mail_ingest.smtp.wire import MAIL, Wire, greeted
from tests.waiting import until

TEMPORARY = "451 4.3.0 Temporary failure, try again later"


async def locked(admin: psycopg.AsyncConnection[Any]) -> bool:
    cursor = await admin.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def fail_while_it_waits(
    wire: Wire, address: str, mail_admin_url: str, *, by: Literal["cancel", "terminate"]
) -> None:
    """Send a mail whose INSERT waits for a lock until PostgreSQL fails it or its connection."""
    async with (
        await psycopg.AsyncConnection.connect(mail_admin_url) as admin,
        await psycopg.AsyncConnection.connect(mail_admin_url, autocommit=True) as looker,
    ):
        await admin.execute("LOCK TABLE mail_ingest.mail_raw IN ACCESS EXCLUSIVE MODE")
        await wire.address(address)
        await wire.say("DATA")
        await wire.send(MAIL + b".\r\n")
        await until(lambda: locked(looker), "the door waits for the lock")
        await looker.execute(
            f"SELECT pg_{by}_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND datname = current_database()"
        )
        assert await wire.reply() == TEMPORARY
        await admin.rollback()


async def test_a_statement_that_takes_too_long_is_451_and_the_retry_is_taken(
    door: SmtpServer, address: str, desk: Desk, database: Database, mail_admin_url: str
) -> None:
    async with greeted(door.port) as wire:
        await fail_while_it_waits(wire, address, mail_admin_url, by="cancel")
        assert await stored(database, desk) == []
        assert (await wire.deliver(address)).startswith("250")
    assert await stored(database, desk) == [MAIL]


async def test_a_connection_that_is_cut_is_451_and_the_retry_is_taken(
    door: SmtpServer, address: str, desk: Desk, database: Database, mail_admin_url: str
) -> None:
    async with greeted(door.port) as wire:
        await fail_while_it_waits(wire, address, mail_admin_url, by="terminate")
        assert (await wire.deliver(address)).startswith("250")
    assert await stored(database, desk) == [MAIL]


async def test_all_that_arrive_together_while_it_is_away_are_451(
    open_door: OpenDoor, address: str, database: Database, desk: Desk, mail_url: str
) -> None:
    away = Database(mail_url, "mail_ingest", application="away")
    await away.open()
    door = await open_door(database=away)
    async with greeted(door.port) as first, greeted(door.port) as second:
        for wire in (first, second):
            await wire.address(address)
            await wire.say("DATA")
        await away.close()
        for wire in (first, second):
            await wire.send(MAIL + b".\r\n")
        assert [await wire.reply() for wire in (first, second)] == [TEMPORARY] * 2
        assert await first.address(address) in {TEMPORARY, "250 2.1.5 OK"}
    assert await stored(database, desk) == []


async def test_one_mail_that_can_not_be_stored_does_not_fail_those_beside_it(
    door: SmtpServer, address: str, database: Database, desk: Desk, mail_admin_url: str
) -> None:
    async with await psycopg.AsyncConnection.connect(mail_admin_url, autocommit=True) as admin:
        await admin.execute(
            "ALTER TABLE mail_ingest.mail ADD CONSTRAINT unwilling CHECK (helo <> 'unwilling')"
        )
        try:

            async def send(number: int) -> str:
                async with greeted(door.port) as wire:
                    if number == 3:
                        await wire.say("EHLO unwilling")
                    return await wire.deliver(address, MAIL + f"{number}\r\n".encode())

            replies = await asyncio.gather(*(send(number) for number in range(8)))
        finally:
            await admin.execute("ALTER TABLE mail_ingest.mail DROP CONSTRAINT unwilling")
    assert replies[3] == TEMPORARY
    assert [reply[:3] for reply in replies].count("250") == 7
    assert len(await stored(database, desk)) == 7


async def test_an_error_in_our_own_code_is_451_and_names_nothing(
    door: SmtpServer, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_arguments: object) -> str:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(Handler, "store", fail)
    async with greeted(door.port) as wire:
        assert await wire.deliver(address) == TEMPORARY
    monkeypatch.setattr(Handler, "handle_RCPT", fail)
    async with greeted(door.port) as wire:
        assert await wire.address(address) == TEMPORARY
        assert (await wire.say("QUIT")).startswith("221")
