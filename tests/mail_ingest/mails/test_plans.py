"""Old mails are looked for once, whatever statistics say."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from mail_ingest.mails import janitor
from spojka.api.mail.v1 import mail_service_pb2 as api
from spojka.database import Connection
from tests.mail_ingest.mails.scene import Scene

MAILS = 3_000
_MAILS = """
    INSERT INTO mail_ingest.mail (tenant_id, id, connection_id, address_id, digest, size_bytes,
                                  client_ip, helo, envelope_from, receive_time, state)
    SELECT %s, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '', 1, '', '', '', now(), 2
    FROM generate_series(1, %s)
"""


@pytest.fixture
def many(scene: Scene, mail_admin_url: str) -> None:
    """Mails of the tenant that came after PostgreSQL last looked what there is."""
    with psycopg.connect(mail_admin_url, autocommit=True) as connection:
        connection.execute(_MAILS, [uuid4(), 10])
        connection.execute("ANALYZE mail_ingest.mail")
        connection.execute(_MAILS, [scene.desk.tenant, MAILS])


async def _runs(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[int]:
    """How often each step of its plan is run."""
    cursor = await connection.execute(f"EXPLAIN (ANALYZE) {statement}".encode(), values)
    plan = "\n".join(row[0] for row in await cursor.fetchall())
    return [int(runs) for runs in re.findall(r"loops=(\d+)", plan)]


@pytest.mark.usefixtures("many")
async def test_old_mails_are_looked_for_once(scene: Scene) -> None:
    now = janitor._first_id(datetime.now(UTC))
    values = {
        "tenant": scene.desk.tenant,
        "before": now,
        "confirmation": api.MAIL_STATE_CONFIRMATION,
        "confirmations_before": now,
        "limit": janitor.BATCH_ROWS,
    }
    async with scene.database.transaction(scene.desk.tenant) as connection:
        assert set(await _runs(connection, janitor._FORGET, values)) == {1}
