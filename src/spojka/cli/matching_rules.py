"""`spojka payment rules …`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import Parse, ParseError

from spojka.api.common.v1.money_pb2 import Money
from spojka.api.payments.v1 import payment_pb2
from spojka.api.payments.v1 import payment_service_pb2 as payments
from spojka.api.payments.v1.payment_service_pb2_grpc import PaymentServiceStub
from spojka.cli.edge import Edge
from spojka.cli.edge_command import edge_command
from spojka.cli.enums import number_of
from spojka.cli.errors import CommandError
from spojka.cli.output import print_message

app = typer.Typer(
    help="The criteria by which payments find their orders.",
    no_args_is_help=True,
    add_completion=False,
)

MAX_FILE_BYTES = 256 * 1024

Criteria = Annotated[
    list[str] | None,
    typer.Option(
        "--criterion",
        help="invoice-variable-symbol, order-variable-symbol, invoice-number, order-number, "
        "gateway-reference, counter-account, message-pattern; repeatable, in their order.",
    ),
]
Tolerances = Annotated[
    list[str] | None,
    typer.Option("--tolerance", help="CURRENCY=AMOUNT, such as CZK=1; repeatable, '' for none."),
]
Pattern = Annotated[str | None, typer.Option(help="A regular expression with one group.")]
ReuseDays = Annotated[
    int | None,
    typer.Option(min=0, help="Days after which a closed order no longer stands in the way."),
]
ExpireDays = Annotated[
    int | None, typer.Option(min=0, help="Days after which a payment comes late; 0: never.")
]
TextNeedsPerson = Annotated[
    bool | None, typer.Option(help="Whether what only the payer's text names waits for a person.")
]
File = Annotated[Path | None, typer.Option(help="The rules in JSON, in place of the options.")]


@edge_command(app)
async def show(edge: Edge) -> None:
    """Show the rules in force."""
    print_message(await _rules(edge))


@edge_command(app, "set")
async def set_rules(
    edge: Edge,
    *,
    criterion: Criteria = None,
    tolerance: Tolerances = None,
    pattern: Pattern = None,
    reuse_after_days: ReuseDays = None,
    expire_after_days: ExpireDays = None,
    text_needs_person: TextNeedsPerson = None,
    file: File = None,
) -> None:
    """Change what the options name; it applies from now on."""
    rules = _read(file) if file is not None else await _rules(edge)
    _change(rules, criterion or [], tolerance or [])
    _set(
        rules,
        message_pattern=pattern,
        reuse_after_days=reuse_after_days,
        expire_after_days=expire_after_days,
        text_needs_person=text_needs_person,
    )
    method = PaymentServiceStub(edge.channel).UpdateMatchingRules
    answer = await edge.call(method, payments.UpdateMatchingRulesRequest(rules=rules))
    print_message(answer.rules)


@edge_command(app, "try")
async def try_rules(
    edge: Edge,
    *,
    criterion: Criteria = None,
    tolerance: Tolerances = None,
    pattern: Pattern = None,
    reuse_after_days: ReuseDays = None,
    expire_after_days: ExpireDays = None,
    text_needs_person: TextNeedsPerson = None,
    file: File = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How many of the last days.")] = 30,
) -> None:
    """Say what changed rules would have decided otherwise; nothing is changed."""
    rules = _read(file) if file is not None else await _rules(edge)
    _change(rules, criterion or [], tolerance or [])
    _set(
        rules,
        message_pattern=pattern,
        reuse_after_days=reuse_after_days,
        expire_after_days=expire_after_days,
        text_needs_person=text_needs_person,
    )
    method = PaymentServiceStub(edge.channel).TryMatchingRules
    answer = await edge.call(method, payments.TryMatchingRulesRequest(rules=rules, days=days))
    print_message(answer)


async def _rules(edge: Edge) -> payments.MatchingRules:
    method = PaymentServiceStub(edge.channel).GetMatchingRules
    return (await edge.call(method, payments.GetMatchingRulesRequest())).rules


def _change(
    rules: payments.MatchingRules, criteria: Sequence[str], tolerances: Sequence[str]
) -> None:
    if criteria:
        numbers = [number_of(payment_pb2.Criterion.DESCRIPTOR, name) for name in criteria]
        rules.criteria[:] = numbers  # type: ignore[assignment]
    if tolerances:
        del rules.tolerances[:]
        rules.tolerances.extend(_money(text) for text in tolerances if text)


def _set(rules: payments.MatchingRules, **fields: str | int | bool | None) -> None:
    for name, value in fields.items():
        if value is not None:
            setattr(rules, name, value)


def _money(text: str) -> Money:
    currency, sign, amount = text.partition("=")
    if not sign:
        raise typer.BadParameter(f"{text!r} is not CURRENCY=AMOUNT, such as CZK=1")
    return Money(currency=currency, amount=amount)


def _read(file: Path) -> payments.MatchingRules:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} can't be read: {error}") from error
    if len(text) > MAX_FILE_BYTES:
        raise CommandError(f"{file} is longer than {MAX_FILE_BYTES} characters")
    try:
        return Parse(text, payments.MatchingRules())
    except ParseError as error:
        raise CommandError(f"{file} is not a set of rules in JSON: {error}") from error
