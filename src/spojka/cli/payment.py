"""`spojka payment …`."""

from typing import Annotated
from uuid import uuid4

import typer

from spojka.api.payments.v1 import payment_pb2
from spojka.api.payments.v1 import payment_service_pb2 as payments
from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.enums import number_of
from spojka.cli.explanation import explanation
from spojka.cli.matching_rules import app as rules_app
from spojka.cli.output import AsJson, Limit, print_message, print_rows

app = typer.Typer(
    help="Payments, the orders they pay, and why.", no_args_is_help=True, add_completion=False
)
app.add_typer(rules_app, name="rules")

PaymentId = Annotated[str, typer.Argument(help="The payment's id.")]


@edge_command(app, "list")
async def list_payments(
    edge: Edge,
    *,
    status: Annotated[str, typer.Option(help="unmatched, ambiguous, matched, …")] = "",
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Those that wait for a person.")
    ] = False,
    bank: Annotated[str, typer.Option(help="A bank connection's id.")] = "",
    vs: Annotated[str, typer.Option(help="A variable symbol.")] = "",
    order: Annotated[str, typer.Option(help="An order's id.")] = "",
    since: Annotated[str, typer.Option(help="First value date, YYYY-MM-DD.")] = "",
    until: Annotated[str, typer.Option(help="Last value date, YYYY-MM-DD.")] = "",
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List payments, newest first."""
    request = payments.ListPaymentsRequest(
        status=number_of(payment_pb2.PaymentStatus.DESCRIPTOR, status),  # type: ignore[arg-type]
        needs_person=waiting,
        connection_id=bank,
        variable_symbol=vs,
        order_id=order,
        value_date_from=since,
        value_date_to=until,
    )
    method = PaymentServiceStub(edge.channel).ListPayments
    rows = await edge.rows(method, request, "payments", limit)
    columns = (
        "id",
        "value_date",
        "amount.amount",
        "amount.currency",
        "variable_symbol",
        "counterparty_name",
        "status",
        "unallocated",
        "verdict.summary",
    )
    print_rows(rows, columns, as_json=as_json)


@edge_command(app)
async def show(edge: Edge, payment_id: PaymentId) -> None:
    """Show one payment with everything that is known of it."""
    print_message(await _find(edge, payment_id))


@edge_command(app)
async def why(edge: Edge, payment_id: PaymentId) -> None:
    """Say in words why a payment did or did not pay an order."""
    for line in explanation(await _find(edge, payment_id)):
        typer.echo(line)


@edge_command(app)
async def confirm(edge: Edge, payment_id: PaymentId) -> None:
    """Let a payment that waits for a person take part in matching."""
    request = payments.ConfirmPaymentRequest(id=payment_id)
    method = PaymentServiceStub(edge.channel).ConfirmPayment
    print_message((await edge.call(method, request)).payment)


@edge_command(app)
async def match(
    edge: Edge,
    payment_id: PaymentId,
    order: Annotated[
        list[str],
        typer.Option(
            help="ORDER or ORDER=AMOUNT; repeatable. Without an amount, all that is left."
        ),
    ],
) -> None:
    """Give a payment to an order, or to several with an amount each."""
    shares = [
        payments.Share(order_id=name, amount=amount)
        for name, _, amount in (each.partition("=") for each in order)
    ]
    request = payments.MatchPaymentRequest(id=payment_id, shares=shares, request_id=str(uuid4()))
    method = PaymentServiceStub(edge.channel).MatchPayment
    print_message((await edge.call(method, request)).payment)


@edge_command(app)
async def unmatch(edge: Edge, payment_id: PaymentId) -> None:
    """Take a payment back from its orders."""
    request = payments.UnmatchPaymentRequest(id=payment_id)
    method = PaymentServiceStub(edge.channel).UnmatchPayment
    print_message((await edge.call(method, request)).payment)


@edge_command(app)
async def credit(edge: Edge, payment_id: PaymentId) -> None:
    """Keep what is over as the customer's credit."""
    request = payments.CreditPaymentRequest(id=payment_id)
    method = PaymentServiceStub(edge.channel).CreditPayment
    print_message((await edge.call(method, request)).payment)


@edge_command(app)
async def discard(
    edge: Edge,
    payment_id: PaymentId,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks at it later.")],
) -> None:
    """Lay a payment aside."""
    request = payments.DiscardPaymentRequest(id=payment_id, reason=reason)
    method = PaymentServiceStub(edge.channel).DiscardPayment
    print_message((await edge.call(method, request)).payment)


@edge_command(app)
async def never(
    edge: Edge,
    payment_id: PaymentId,
    order: Annotated[str, typer.Option(help="The order's id.")],
) -> None:
    """Say that a payment is never for an order."""
    request = payments.NeverPairRequest(id=payment_id, order_id=order)
    method = PaymentServiceStub(edge.channel).NeverPair
    print_message((await edge.call(method, request)).payment)


@edge_command(app)
async def undo(edge: Edge, payment_id: PaymentId) -> None:
    """Take back a person's last decision on a payment."""
    request = payments.UndoDecisionRequest(id=payment_id, request_id=str(uuid4()))
    method = PaymentServiceStub(edge.channel).UndoDecision
    print_message((await edge.call(method, request)).payment)


async def _find(edge: Edge, payment_id: str) -> payment_pb2.Payment:
    method = PaymentServiceStub(edge.channel).GetPayment
    return (await edge.call(method, payments.GetPaymentRequest(id=payment_id))).payment
