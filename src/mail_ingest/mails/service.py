"""MailService: mails shown, judged again, read again; the tasks of the mail side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mail_ingest.connections.addresses import named_addresses
from mail_ingest.mails import queue
from mail_ingest.mails.judge import Judge
from mail_ingest.mails.messages import mail_message
from mail_ingest.mails.model import MailRow, find_row, list_rows, load_mail
from mail_ingest.mails.recording import record_again
from spojka.api.mail.v1 import mail_service_pb2 as api
from spojka.database import Connection, Database
from spojka.errors import Unavailable
from spojka.outbox import append
from spojka.rpc.pagination import decode_uuid_token, encode_token, page_size
from spojka.rpc.server import Call
from spojka.secrets import Seal
from spojka.tasks import list_tasks, resolve_task


@dataclass(frozen=True, slots=True)
class MailServicer:
    """Answers MailService; addresses are at `domain`, `after_commit` hints the relay."""

    database: Database
    seal: Seal
    domain: str
    judge: Judge
    after_commit: Callable[[], None]

    async def list_mails(self, request: api.ListMailsRequest, call: Call) -> api.ListMailsResponse:
        """A page of mails, newest first."""
        tenant = call.identity.tenant
        limit = page_size(request.page_size, default=50, maximum=500)
        after = decode_uuid_token(request.page_token)
        async with self.database.transaction(tenant) as connection:
            rows = await list_rows(
                connection,
                tenant,
                connection_id=UUID(request.bank_connection_id)
                if request.bank_connection_id
                else None,
                state=request.state,
                trust=request.trust,
                after=after,
                limit=limit + 1,
            )
            messages = await self._messages(connection, tenant, rows[:limit])
        more = len(rows) > limit
        return api.ListMailsResponse(
            mails=messages, next_page_token=encode_token([messages[-1].id]) if more else ""
        )

    async def get_mail(self, request: api.GetMailRequest, call: Call) -> api.GetMailResponse:
        """One mail, with its bytes if wished."""
        tenant, mail_id = call.identity.tenant, UUID(request.id)
        async with self.database.transaction(tenant) as connection:
            row = await find_row(connection, tenant, mail_id)
            raw = (await load_mail(connection, tenant, mail_id)).raw if request.include_raw else b""
            messages = await self._messages(connection, tenant, [row])
        return api.GetMailResponse(mail=messages[0], raw=raw)

    async def verify_mail(
        self, request: api.VerifyMailRequest, call: Call
    ) -> api.VerifyMailResponse:
        """Judge the stored bytes again, DNS asked anew, without acting on it."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            mail = await load_mail(connection, tenant, UUID(request.id))
        verdict = await self.judge.judge(mail)
        return api.VerifyMailResponse(
            trust=verdict.trust, trust_reason=verdict.reason, evidence=verdict.value.evidence
        )

    async def reprocess_mail(
        self, request: api.ReprocessMailRequest, call: Call
    ) -> api.ReprocessMailResponse:
        """Read the stored bytes with today's templates, by the evidence that was kept.

        Raises Unavailable where the evidence was never complete and DNS still
        does not answer.
        """
        tenant, mail_id = call.identity.tenant, UUID(request.id)
        async with self.database.transaction(tenant) as connection:
            mail = await load_mail(connection, tenant, mail_id)
        verdict = await self.judge.judge_again(mail)
        if verdict.retry:
            raise Unavailable("DNS does not answer what proves this mail: try again later")
        async with self.database.transaction(tenant) as connection:
            await queue.withdraw(connection, tenant, mail_id)
            await find_row(connection, tenant, mail_id, lock=True)
            now = await load_mail(connection, tenant, mail_id)
            events = await record_again(connection, now, verdict)
            await append(connection, events)
            row = await find_row(connection, tenant, mail_id)
            messages = await self._messages(connection, tenant, [row])
        if events:
            self.after_commit()
        return api.ReprocessMailResponse(mail=messages[0])

    async def list_mail_tasks(
        self, request: api.ListMailTasksRequest, call: Call
    ) -> api.ListMailTasksResponse:
        """A page of tasks, newest first."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            tasks, token = await list_tasks(
                connection,
                tenant,
                size=request.page_size,
                token=request.page_token,
                include_resolved=request.include_resolved,
            )
        return api.ListMailTasksResponse(tasks=tasks, next_page_token=token)

    async def resolve_mail_task(
        self, request: api.ResolveMailTaskRequest, call: Call
    ) -> api.ResolveMailTaskResponse:
        """A person's word that a task is dealt with."""
        tenant = call.identity.tenant
        async with self.database.transaction(tenant) as connection:
            task = await resolve_task(connection, tenant, UUID(request.id), call.identity.actor)
        return api.ResolveMailTaskResponse(task=task)

    async def _messages(
        self, connection: Connection, tenant: UUID, rows: Sequence[MailRow]
    ) -> list[api.Mail]:
        addresses = await named_addresses(
            connection, self.seal, tenant, list({row.address_id for row in rows})
        )
        due = await _due_times(connection, tenant, rows)
        return [mail_message(row, addresses, self.domain, due.get(row.id)) for row in rows]


async def _due_times(
    connection: Connection, tenant: UUID, rows: Sequence[MailRow]
) -> dict[UUID, datetime]:
    waiting = [row.id for row in rows if row.state == api.MAIL_STATE_RECEIVED]
    if not waiting:
        return {}
    cursor = await connection.execute(
        "SELECT mail_id, due_time FROM mail_queue WHERE tenant_id = %s AND mail_id = ANY(%s)",
        [tenant, waiting],
    )
    return dict(await cursor.fetchall())
