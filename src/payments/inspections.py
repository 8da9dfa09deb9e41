"""What the money side answers offline: `spojka inspect match`."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from google.protobuf import json_format
from google.protobuf.message import Message

from payments.matching.deciding import decide
from payments.matching.values import Incoming, Payable, PaymentStatus, Rules, Verdict
from payments.messages.matching import incoming_of, payable_of, rules_of, verdict_message
from payments.rules.checks import check_rules
from payments.rules.defaults import default_rules
from spojka.api.mail.v1 import events_pb2
from spojka.api.orders.v1 import order_pb2
from spojka.api.payments.v1 import payment_pb2
from spojka.api.payments.v1.payment_service_pb2 import MatchingRules
from spojka.errors import InvalidArgument
from spojka.inspection import InspectError
from spojka.rpc.validation import violations_of
from spojka.values import format_decimal, parse_decimal

MAX_JSON_BYTES: Final = 16 * 1024 * 1024
ORDERS_MAX: Final = 10_000

MessageT = TypeVar("MessageT", bound=Message)
_OUTGOING_KINDS: Final = frozenset(
    {
        events_pb2.NOTIFICATION_KIND_OUTGOING_PAYMENT,
        events_pb2.NOTIFICATION_KIND_CARD_PAYMENT,
        events_pb2.NOTIFICATION_KIND_FEE,
    }
)
# What `inspect mail` calls a movement's fields, and what the message calls them.
_MAIL_FIELDS: Final = {
    "date": "value_date",
    "own_account": "own_account",
    "counter_account": "counter_account",
    "counterparty_name": "counterparty_name",
    "vs": "variable_symbol",
    "ks": "constant_symbol",
    "ss": "specific_symbol",
    "message": "message",
    "bank_reference": "reference",
    "end_to_end": "end_to_end",
}
# A sum of 500 products of numbers of 21 digits is exact in it.
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_UP)


def inspect_match(
    *,
    payment: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, readable=True, help="The payment as JSON.")
    ],
    orders: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, readable=True, help="The orders as JSON.")
    ],
    rules: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, readable=True, help="The rules as JSON."),
    ] = None,
) -> Mapping[str, object]:
    """Show which of the orders a payment pays, and why.

    The payment is a Payment message or one of the `payments` of `inspect mail`;
    the orders are Order messages in a list; the rules a MatchingRules message,
    else those that hold where none are set.
    """
    incoming = _incoming(payment)
    payables = _orders(orders, date.min if incoming is None else incoming.value_date)
    chosen = _rules(rules)
    if incoming is None:
        verdict = Verdict(PaymentStatus.OUTGOING, "Money that went out pays no order.")
    else:
        verdict = decide(incoming, payables, chosen)
    currency = "" if incoming is None else incoming.amount.currency
    shown: dict[str, object] = json_format.MessageToDict(
        verdict_message(verdict, currency), preserving_proto_field_name=True
    )
    return shown


def _incoming(file: Path) -> Incoming | None:
    """The payment; None where the money went out."""
    loaded = _object(file, _json(file))
    from_mail = "vs" in loaded or "direction" in loaded
    message = _message(
        file, _from_mail(file, loaded) if from_mail else loaded, payment_pb2.Payment()
    )
    gone = loaded.get("direction") == "out" or loaded.get("incoming") is False
    if gone or message.status == payment_pb2.PAYMENT_STATUS_OUTGOING:
        return None
    if message.kind in _OUTGOING_KINDS:
        return None
    try:
        incoming = incoming_of(message)
    except ValueError as error:
        raise InspectError(f"{file}: {error}") from error
    if incoming.amount.amount <= 0:
        raise InspectError(f"{file}: amount.amount: must be above zero for money that came in")
    return incoming


def _from_mail(file: Path, loaded: Mapping[str, Any]) -> dict[str, Any]:
    """A movement of `inspect mail` as a Payment message in JSON form."""
    if loaded.get("direction") not in {"in", "out"}:
        raise InspectError(f'{file}: direction: must be "in" or "out"')
    payment = {
        field: loaded[name] for name, field in _MAIL_FIELDS.items() if loaded.get(name) is not None
    }
    payment["source"] = "PAYMENT_SOURCE_NOTIFICATION"
    payment["amount"] = {"currency": loaded.get("currency"), "amount": loaded.get("amount")}
    if loaded.get("original_amount") is not None:
        payment["original_amount"] = {
            "currency": loaded.get("original_currency"),
            "amount": loaded["original_amount"],
        }
    if str(loaded.get("vs_source") or "field") != "field":
        payment["variable_symbol_source"] = "SYMBOL_SOURCE_MESSAGE"
    return payment


def _orders(file: Path, assumed: date) -> list[Payable]:
    """The orders; one without a time is taken to be of the assumed day."""
    loaded = _json(file)
    entries = loaded.get("orders") if isinstance(loaded, dict) else loaded
    if not isinstance(entries, list):
        raise InspectError(f'{file}: must be a list of orders, or {{"orders": [...]}}')
    if len(entries) > ORDERS_MAX:
        raise InspectError(f"{file}: has {len(entries)} orders; at most {ORDERS_MAX} can be tried")
    payables = [_order(file, place, entry, assumed) for place, entry in enumerate(entries)]
    seen: set[str] = set()
    for place, payable in enumerate(payables):
        if payable.id in seen:
            raise InspectError(f"{file}: orders[{place}].id: {payable.id!r} is there twice")
        seen.add(payable.id)
    return payables


def _order(file: Path, place: int, entry: object, assumed: date) -> Payable:
    path = f"orders[{place}]"
    order = _message(file, _object(file, entry, path), order_pb2.Order(), path)
    order.id = order.id or order.channel_order_id or order.number
    for field in ("id", "currency"):
        if not getattr(order, field):
            raise InspectError(f"{file}: {path}.{field}: is missing")
    if not order.HasField("order_time"):
        order.order_time.FromDatetime(datetime.combine(assumed, time.min, UTC))
    try:
        order.total = order.total or format_decimal(_sum_of_lines(order))
        return payable_of(order)
    except ValueError as error:
        raise InspectError(f"{file}: {path}.{error}") from error


def _sum_of_lines(order: order_pb2.Order) -> Decimal:
    """What the lines come to, VAT included, rounded once. Raises ValueError."""
    if not order.lines:
        raise ValueError("total: is missing, and there are no lines to sum")
    total = Decimal(0)
    for place, line in enumerate(order.lines):
        try:
            quantity, price = parse_decimal(line.quantity), parse_decimal(line.unit_price)
            rate = parse_decimal(line.vat_rate or "0")
        except ValueError as error:
            raise ValueError(f"lines[{place}]: {error}") from error
        worth = _EXACT.multiply(quantity, price)
        if not order.prices_include_vat:
            worth = _EXACT.multiply(worth, 1 + rate / 100)
        total = _EXACT.add(total, worth)
    return total.quantize(Decimal("0.01"), context=_EXACT)


def _rules(file: Path | None) -> Rules:
    if file is None:
        return rules_of(default_rules())
    message = _message(file, _object(file, _json(file)), MatchingRules())
    violations = violations_of(message)
    if violations:
        problems = "; ".join(f"{entry.field}: {entry.description}" for entry in violations)
        raise InspectError(f"{file}: {problems}")
    try:
        check_rules(message)
        return rules_of(message)
    except (InvalidArgument, ValueError) as error:
        raise InspectError(f"{file}: {error}") from error


def _message(file: Path, loaded: Mapping[str, Any], message: MessageT, path: str = "") -> MessageT:
    try:
        return json_format.ParseDict(dict(loaded), message)
    except json_format.ParseError as error:
        where = f"{path}: " if path else ""
        raise InspectError(f"{file}: {where}{error}") from error


def _object(file: Path, loaded: object, path: str = "") -> Mapping[str, Any]:
    if not isinstance(loaded, dict):
        where = f"{path}: " if path else ""
        raise InspectError(f"{file}: {where}must be an object")
    return loaded


def _json(file: Path) -> Any:
    if file.stat().st_size > MAX_JSON_BYTES:
        raise InspectError(f"{file}: is larger than {MAX_JSON_BYTES} bytes")
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InspectError(f"{file}: is not UTF-8 text: {error}") from error
    except (ValueError, RecursionError) as error:
        raise InspectError(f"{file}: is not JSON: {error}") from error
