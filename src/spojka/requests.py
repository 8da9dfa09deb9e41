"""Writes that carry a request id: the same id again returns the earlier answer (AIP-155)."""

import hashlib
from typing import TypeVar
from uuid import UUID

from google.protobuf.message import Message

from spojka.database import Connection, Database
from spojka.errors import AlreadyExists

Answer = TypeVar("Answer", bound=Message)


def _fingerprint(request: Message) -> bytes:
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()


async def earlier_answer(
    connection: Connection, tenant_id: UUID, request_id: str, request: Message, kind: type[Answer]
) -> Answer | None:
    """The answer that was given to this request before; None where it is new.

    Holds the id until the transaction ends, so that two of the same can't both
    be new. Raises AlreadyExists where the id was used for another request.
    """
    if not request_id:
        return None
    method = request.DESCRIPTOR.full_name
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
        [f"{tenant_id}/{method}/{request_id}"],
    )
    cursor = await connection.execute(
        """
        SELECT fingerprint, answer FROM request
        WHERE tenant_id = %s AND method = %s AND request_id = %s
        """,
        [tenant_id, method, UUID(request_id)],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    if row[0] != _fingerprint(request):
        raise AlreadyExists(f"the request id {request_id} was used for another request")
    return kind.FromString(row[1])


async def remember_answer(
    connection: Connection, tenant_id: UUID, request_id: str, request: Message, answer: Message
) -> None:
    """Keep the answer for the same request id, in the transaction that does the work."""
    if not request_id:
        return
    await connection.execute(
        "INSERT INTO request (tenant_id, method, request_id, fingerprint, answer)"
        " VALUES (%s, %s, %s, %s, %s)",
        [
            tenant_id,
            request.DESCRIPTOR.full_name,
            UUID(request_id),
            _fingerprint(request),
            answer.SerializeToString(),
        ],
    )


async def prune(database: Database, retention_days: int) -> None:
    """Forget answers that were given long ago."""
    async with database.autocommit() as connection:
        await connection.execute(
            "DELETE FROM request WHERE time < now() - make_interval(days => %s)", [retention_days]
        )
