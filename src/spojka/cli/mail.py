"""`spojka mail …`."""

from pathlib import Path
from typing import Annotated

import typer

from spojka.api.mail.v1 import events_pb2
from spojka.api.mail.v1 import mail_service_pb2 as mails
from spojka.api.mail.v1.mail_service_pb2_grpc import MailServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.enums import number_of
from spojka.cli.errors import CommandError
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="The banks' mails, and what was made of them.", no_args_is_help=True, add_completion=False
)

MailId = Annotated[str, typer.Argument(help="The mail's id.")]


@edge_command(app, "list")
async def list_mails(
    edge: Edge,
    bank: Annotated[str, typer.Option(help="A bank connection's id.")] = "",
    state: Annotated[str, typer.Option(help="received, read, unreadable, quarantined, …")] = "",
    trust: Annotated[str, typer.Option(help="trusted, weak, rejected")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List mails, newest first."""
    request = mails.ListMailsRequest(
        bank_connection_id=bank,
        state=number_of(mails.MailState.DESCRIPTOR, state),  # type: ignore[arg-type]
        trust=number_of(events_pb2.Trust.DESCRIPTOR, trust),  # type: ignore[arg-type]
    )
    rows = await edge.rows(MailServiceStub(edge.channel).ListMails, request, "mails", limit)
    columns = ("id", "receive_time", "bank", "kind", "state", "trust", "action", "subject")
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def show(
    edge: Edge,
    mail_id: MailId,
    raw: Annotated[
        Path | None, typer.Option(help="Write the bytes as they came to this file, too.")
    ] = None,
) -> None:
    """Show one mail, what was read in it, and why it is trusted or not."""
    request = mails.GetMailRequest(id=mail_id, include_raw=raw is not None)
    answer = await edge.call(MailServiceStub(edge.channel).GetMail, request)
    if raw is not None:
        try:
            raw.write_bytes(answer.raw)
        except OSError as error:
            raise CommandError(f"{raw} can't be written: {error.strerror}") from error
    print_message(answer.mail)


@edge_command(app)
async def verify(edge: Edge, mail_id: MailId) -> None:
    """Judge the stored bytes again, without acting on it."""
    request = mails.VerifyMailRequest(id=mail_id)
    answer = await edge.call(MailServiceStub(edge.channel).VerifyMail, request)
    print_message(answer)


@edge_command(app)
async def reprocess(edge: Edge, mail_id: MailId) -> None:
    """Read the stored bytes again, such as after a template was mended."""
    request = mails.ReprocessMailRequest(id=mail_id)
    print_message((await edge.call(MailServiceStub(edge.channel).ReprocessMail, request)).mail)
