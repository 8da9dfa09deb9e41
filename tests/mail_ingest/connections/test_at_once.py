"""Several callers who change one bank connection at once."""

import asyncio
from uuid import uuid4

from spojka.api.payments.v1 import connection_service_pb2 as api
from spojka.database import Database
from spojka.errors import AlreadyExists
from tests.mail_ingest.connections.test_connections import works
from tests.mail_ingest.desk import ACCOUNT, Desk

OTHER = "2000145399/0800"


async def listed(desk: Desk, size: int = 500) -> list[list[str]]:
    pages, token = [], ""
    while True:
        request = api.ListBankConnectionsRequest(page_size=size, page_token=token)
        answer = await desk.call("ListBankConnections", request)
        pages.append([each.id for each in answer.connections])
        token = answer.next_page_token
        if not token:
            return pages


async def current_addresses(database: Database, desk: Desk) -> int:
    async with database.infrastructure() as connection:
        cursor = await connection.execute(
            "SELECT count(*) FROM address WHERE tenant_id = %s AND end_time IS NULL", [desk.tenant]
        )
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_the_same_request_many_times_at_once_makes_one_connection(
    desk: Desk, database: Database
) -> None:
    request_id = str(uuid4())
    answers = await asyncio.gather(
        *(desk.connect(request_id=request_id, forwarding_mailboxes=[]) for _ in range(6))
    )
    assert all(answer == answers[0] for answer in answers)
    assert await listed(desk) == [[answers[0].id]]
    assert await current_addresses(database, desk) == 1


async def test_of_many_who_move_to_one_account_at_once_one_gets_there(desk: Desk) -> None:
    made = [await desk.connect(currency=currency) for currency in ("CZK", "EUR", "USD", "GBP")]

    async def move(connection: api.BankConnection) -> api.BankConnection:
        return await desk.update(
            api.BankConnection(id=connection.id, account=OTHER, currency="CHF")
        )

    answers = await asyncio.gather(
        *map(move, made), desk.connect(OTHER, "CHF"), return_exceptions=True
    )
    there = [answer for answer in answers if isinstance(answer, api.BankConnection)]
    assert len(there) == 1
    refused = [answer for answer in answers if isinstance(answer, AlreadyExists)]
    assert [each.metadata["bank_connection_id"] for each in refused] == [there[0].id] * 4


async def test_addresses_rotated_and_updated_by_several_at_once_leave_one_that_stays(
    desk: Desk, database: Database
) -> None:
    made = await desk.connect()
    renamed = api.BankConnection(id=made.id, account=ACCOUNT, currency="CZK", name="other")
    answers = await asyncio.gather(
        *(desk.rotate(made, grace) for grace in (24, 1, 2160)), desk.update(renamed)
    )
    now = await desk.get(made.id)
    assert now.name == "other"
    assert now.address in {answer.address for answer in answers}
    assert await current_addresses(database, desk) == 1
    for answer in answers:
        assert await works(database, answer.address)
    last = await desk.rotate(made, 0)
    assert await current_addresses(database, desk) == 1
    assert not await works(database, now.address)
    assert await works(database, last.address)
