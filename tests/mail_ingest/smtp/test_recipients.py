"""Mails for several recipients, and for one whose address ends."""

import asyncio
import smtplib
from contextlib import AsyncExitStack
from uuid import uuid4

from mail_ingest.smtp.server import SmtpServer
from mail_ingest.smtp.session import ERROR_REPLIES_MAX
from spojka.database import Database
from tests.mail_ingest.desk import Desk
from tests.mail_ingest.smtp.test_door import stored
from tests.mail_ingest.smtp.wire import MAIL, greeted

CURRENCIES = [f"A{first}{second}" for first in "ABCDE" for second in "ABCDE"]


async def redeliveries(database: Database, desk: Desk) -> list[int]:
    async with database.transaction(desk.tenant) as connection:
        cursor = await connection.execute("SELECT redeliveries FROM mail ORDER BY id")
        return [row[0] for row in await cursor.fetchall()]


async def test_a_mail_to_several_tenants_reaches_each_when_its_sender_comes_again(
    door: SmtpServer, desk: Desk, database: Database
) -> None:
    """A server sends again to whom was put off: to each recipient in a transaction of its own."""
    desks = [desk, desk.as_tenant(uuid4()), desk.as_tenant(uuid4())]
    waiting = [(await each.connect()).address for each in desks]
    async with greeted(door.port) as wire:
        while waiting:
            assert (await wire.say("MAIL FROM:<bank@bank.example>")).startswith("250")
            answers = [await wire.say(f"RCPT TO:<{address}>") for address in waiting]
            assert answers[0].startswith("250")
            assert {answer[:10] for answer in answers[1:]} <= {"452 4.5.3 "}
            assert (await wire.say("DATA")).startswith("354")
            assert (await wire.say(MAIL + b".")).startswith("250")
            del waiting[0]
    for each in desks:
        assert await stored(database, each) == [MAIL]
        assert await redeliveries(database, each) == [0]


async def test_a_mail_with_more_recipients_than_errors_are_borne_still_comes_to_its_first(
    door: SmtpServer, desk: Desk, database: Database
) -> None:
    """To be put off is no fault of the sender's, who must offer all recipients each time."""
    addresses = [
        (await desk.connect(currency=currency)).address
        for currency in CURRENCIES[: ERROR_REPLIES_MAX + 3]
    ]

    def send() -> int:
        with smtplib.SMTP("127.0.0.1", door.port, "client.example") as client:
            return len(client.sendmail("bank@bank.example", addresses, MAIL))

    assert await asyncio.to_thread(send) == len(addresses) - 1
    assert await stored(database, desk) == [MAIL]


async def test_mails_over_many_wires_while_their_address_ends_are_stored_as_they_are_answered(
    door: SmtpServer, desk: Desk, database: Database
) -> None:
    made = await desk.connect()
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(greeted(door.port)) for _ in range(15)]
        for wire in wires:
            assert (await wire.address(made.address)).startswith("250")
            assert (await wire.say("DATA")).startswith("354")

        async def end(number: int) -> str:
            return await wires[number].say(MAIL + f"{number}\r\n.".encode())

        before = await asyncio.gather(*map(end, range(5)))
        *meanwhile, _ = await asyncio.gather(*map(end, range(5, 10)), desk.rotate(made, 0))
        after = await asyncio.gather(*map(end, range(10, 15)))
    assert {reply[:3] for reply in before} == {"250"}
    assert {reply[:9] for reply in after} == {"550 5.1.1"}
    taken = sum(str(reply).startswith("250") for reply in (*before, *meanwhile))
    assert len(await stored(database, desk)) == taken
