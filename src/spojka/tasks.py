"""What only a person can decide: opened once for a subject, closed when its cause is gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from spojka.api.common.v1.task_pb2 import Task as TaskMessage
from spojka.database import Connection
from spojka.errors import NotFound
from spojka.outbox import new_id
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size

SPOJKA: Final = "spojka"
_COLUMNS: Final = (
    "id, kind, subject, summary, advice, details, create_time, resolve_time, resolved_by"
)


@dataclass(frozen=True, slots=True)
class Task:
    """A task to be open. `kind` is a stable code; `subject` names what it is about."""

    kind: str
    subject: str
    summary: str
    advice: str
    details: Mapping[str, str] = field(default_factory=dict)


async def open_task(connection: Connection, tenant_id: UUID, task: Task) -> bool:
    """Open a task, or bring the open one up to date; True when it is new."""
    cursor = await connection.execute(
        """
        INSERT INTO task (tenant_id, id, kind, subject, summary, advice, details)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (tenant_id, kind, subject) WHERE resolve_time IS NULL
        DO UPDATE SET summary = excluded.summary, advice = excluded.advice,
                      details = excluded.details
            WHERE (task.summary, task.advice, task.details)
                  IS DISTINCT FROM (excluded.summary, excluded.advice, excluded.details)
        RETURNING xmax = 0
        """,
        [
            tenant_id,
            new_id(),
            task.kind,
            task.subject,
            task.summary,
            task.advice,
            Jsonb(dict(task.details)),
        ],
    )
    row = await cursor.fetchone()
    return bool(row and row[0])


async def open_tasks(connection: Connection, tenant_id: UUID, tasks: Sequence[Task]) -> None:
    """As `open_task`, for several; of one kind and subject the last one holds."""
    last = {(task.kind, task.subject): task for task in tasks}
    if not last:
        return
    # Sorted, so that two who open the same wait for each other instead of deadlocking.
    sorted_tasks = [last[name] for name in sorted(last)]
    await connection.execute(
        """
        INSERT INTO task (tenant_id, id, kind, subject, summary, advice, details)
        SELECT %s, * FROM
            unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::jsonb[])
        ON CONFLICT (tenant_id, kind, subject) WHERE resolve_time IS NULL
        DO UPDATE SET summary = excluded.summary, advice = excluded.advice,
                      details = excluded.details
            WHERE (task.summary, task.advice, task.details)
                  IS DISTINCT FROM (excluded.summary, excluded.advice, excluded.details)
        """,
        [
            tenant_id,
            [new_id() for _ in sorted_tasks],
            [task.kind for task in sorted_tasks],
            [task.subject for task in sorted_tasks],
            [task.summary for task in sorted_tasks],
            [task.advice for task in sorted_tasks],
            [Jsonb(dict(task.details)) for task in sorted_tasks],
        ],
    )


async def close_tasks(
    connection: Connection, tenant_id: UUID, kind: str, subjects: Sequence[str], by: str = SPOJKA
) -> None:
    """Close the open tasks of this kind and these subjects, where there are any."""
    await connection.execute(
        """
        UPDATE task SET resolve_time = now(), resolved_by = %s
        WHERE tenant_id = %s AND kind = %s AND subject = ANY(%s) AND resolve_time IS NULL
        """,
        [by, tenant_id, kind, list(subjects)],
    )


async def close_task(
    connection: Connection, tenant_id: UUID, kind: str, subject: str, by: str = SPOJKA
) -> None:
    """Close the open task of this kind and subject, if there is one."""
    await close_tasks(connection, tenant_id, kind, [subject], by)


async def resolve_task(
    connection: Connection, tenant_id: UUID, task_id: UUID, by: str
) -> TaskMessage:
    """A person's word that a task is dealt with. Raises NotFound."""
    cursor = await connection.execute(
        f"""
        UPDATE task SET resolve_time = coalesce(resolve_time, now()),
                        resolved_by = coalesce(resolved_by, %s)
        WHERE tenant_id = %s AND id = %s
        RETURNING {_COLUMNS}
        """,
        [by, tenant_id, task_id],
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no task {task_id}")
    return _message(row)


async def list_tasks(
    connection: Connection,
    tenant_id: UUID,
    *,
    size: int,
    token: str,
    include_resolved: bool,
    subject: str = "",
) -> tuple[list[TaskMessage], str]:
    """A page of tasks, newest first, and the token of the next."""
    limit = page_size(size, default=50, maximum=500)
    before = decode_uuid_token(token)
    conditions = ["tenant_id = %(tenant)s"]
    if not include_resolved:
        conditions.append("resolve_time IS NULL")
    if subject:
        conditions.append("subject = %(subject)s")
    if before is not None:
        conditions.append("id < %(before)s")
    cursor = await connection.execute(
        f"SELECT {_COLUMNS} FROM task WHERE {' AND '.join(conditions)}"
        " ORDER BY id DESC LIMIT %(rows)s".encode(),
        {"tenant": tenant_id, "subject": subject, "before": before, "rows": limit + 1},
    )
    rows = await cursor.fetchall()
    tasks = [_message(row) for row in rows[:limit]]
    return tasks, encode_token([tasks[-1].id]) if len(rows) > limit else ""


def _message(row: Sequence[object]) -> TaskMessage:
    task_id, kind, subject, summary, advice, details, created, resolved, by = row
    message = TaskMessage(
        id=str(task_id),
        kind=str(kind),
        subject=str(subject),
        summary=str(summary),
        advice=str(advice),
        details=details,  # type: ignore[arg-type]
        resolved_by=str(by or ""),
    )
    message.create_time.FromDatetime(created)  # type: ignore[arg-type]
    if resolved is not None:
        message.resolve_time.FromDatetime(resolved)  # type: ignore[arg-type]
    return message
