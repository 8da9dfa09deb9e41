"""`spojka inspect match`: the verdict of files, and errors that name the file and the field."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from google.protobuf import json_format
from typer.testing import CliRunner

from payments.inspections import inspect_match
from spojka.api.payments.v1 import payment_pb2
from spojka.inspection import InspectError

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "match"
ORDERS = EXAMPLES / "orders.json"
PAYMENT = {
    "amount": {"currency": "CZK", "amount": "1250.00"},
    "value_date": "2026-11-20",
    "variable_symbol": "2026118",
}
ORDER = {
    "id": "a",
    "number": "2026-118",
    "currency": "CZK",
    "total": "1250",
    "references": {"variable_symbol": "2026118"},
}


class Files:
    """Writes questions into a folder and asks them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: object) -> Path:
        path = self.folder / f"{name}.json"
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    def ask(self, payment: object, orders: object, rules: object = None) -> dict[str, Any]:
        answer = inspect_match(
            payment=self.write("payment", payment),
            orders=self.write("orders", orders),
            rules=None if rules is None else self.write("rules", rules),
        )
        # The answer is the message's own JSON form and nothing else.
        json_format.ParseDict(dict(answer), payment_pb2.Verdict())
        return dict(answer)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def paid(verdict: dict[str, Any]) -> dict[str, str]:
    return {
        part["order_number"]: part["amount"]["amount"] for part in verdict.get("allotments", [])
    }


def example(payment: str, rules: str | None = None) -> dict[str, Any]:
    chosen = None if rules is None else EXAMPLES / rules
    return dict(inspect_match(payment=EXAMPLES / payment, orders=ORDERS, rules=chosen))


def test_the_examples_say_what_their_page_says() -> None:
    verdict = example("payment.json")
    assert verdict["status"] == "PAYMENT_STATUS_MATCHED"
    assert paid(verdict) == {"2026-118": "1250"}
    assert "2026-119" in json.dumps(verdict)
    assert paid(example("payment.json", "rules.json")) == {"2026-119": "1250"}
    both = example("payment-from-mail.json")
    assert paid(both) == {"2026-118": "1250", "2026-119": "1250"}
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(path.name in page for path in EXAMPLES.glob("*.json"))


def test_it_is_a_command_with_its_options() -> None:
    app = typer.Typer(add_completion=False)
    app.command("match")(inspect_match)
    options = ["--payment", str(EXAMPLES / "payment.json"), "--orders", str(ORDERS)]
    assert CliRunner().invoke(app, options).exit_code == 0
    missing = CliRunner().invoke(app, options[:2])
    assert missing.exit_code == 2
    assert "--orders" in missing.output


def test_a_list_of_orders_is_enough_and_a_total_is_summed_from_lines(files: Files) -> None:
    lines = [
        {"name": "x", "quantity": "2", "unit_price": "500", "vat_rate": "21"},
        {"name": "y", "quantity": "1", "unit_price": "40", "vat_rate": "0"},
    ]
    order = {**ORDER, "total": "", "lines": lines}
    assert paid(files.ask(PAYMENT, [order])) == {"2026-118": "1250"}
    verdict = files.ask(
        {**PAYMENT, "amount": {"currency": "CZK", "amount": "1040"}},
        [{**order, "prices_include_vat": True}],
    )
    assert verdict["status"] == "PAYMENT_STATUS_MATCHED"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"payment_state": "PAYMENT_STATE_PAID", "amount_paid": "1250"}, "DUPLICATE"),
        ({"amount_paid": "1250"}, "DUPLICATE"),
        ({"fulfilment_state": "FULFILMENT_STATE_CANCELLED"}, "LATE"),
        ({"amount_paid": "250", "payment_state": "PAYMENT_STATE_PARTIAL"}, "OVERPAID"),
        ({"order_time": "2026-11-21T08:00:00Z"}, "UNMATCHED"),
        ({}, "MATCHED"),
    ],
)
def test_the_orders_own_state_counts(files: Files, change: dict[str, str], status: str) -> None:
    verdict = files.ask(PAYMENT, {"orders": [{**ORDER, **change}]})
    assert verdict["status"] == f"PAYMENT_STATUS_{status}"


@pytest.mark.parametrize(
    "change",
    [
        {"incoming": False},
        {"status": "PAYMENT_STATUS_OUTGOING"},
        {"kind": "NOTIFICATION_KIND_CARD_PAYMENT"},
    ],
)
def test_money_that_went_out_pays_nothing(files: Files, change: dict[str, object]) -> None:
    verdict = files.ask({**PAYMENT, **change}, [ORDER])
    assert verdict == {
        "status": "PAYMENT_STATUS_OUTGOING",
        "summary": "Money that went out pays no order.",
    }


def test_a_symbol_that_the_mail_had_in_its_text_is_the_texts(files: Files) -> None:
    movement = {
        "direction": "in",
        "amount": "1250",
        "currency": "CZK",
        "date": "2026-11-20",
        "vs": "2026118",
        "vs_source": "message_prefixed",
    }
    needs_person = {"criteria": ["CRITERION_ORDER_VARIABLE_SYMBOL"], "text_needs_person": True}
    assert files.ask(movement, [ORDER], needs_person)["status"] == "PAYMENT_STATUS_UNMATCHED"
    in_field = {**movement, "vs_source": "field"}
    assert files.ask(in_field, [ORDER], needs_person)["status"] == "PAYMENT_STATUS_MATCHED"


@pytest.mark.parametrize(
    ("payment", "orders", "rules", "says"),
    [
        ("{", [ORDER], None, "payment.json: is not JSON"),
        ([], [ORDER], None, "payment.json: must be an object"),
        ({**PAYMENT, "amount": {}}, [ORDER], None, "payment.json: amount.currency: is missing"),
        ({**PAYMENT, "value_date": "20.11."}, [ORDER], None, "payment.json: value_date: '20.11.'"),
        ({**PAYMENT, "colour": 1}, [ORDER], None, 'payment.json: Message type .* "colour"'),
        (
            {**PAYMENT, "amount": {"currency": "CZK", "amount": "-1"}},
            [ORDER], None, "payment.json: amount.amount: must be above zero",
        ),
        ({"vs": "1"}, [ORDER], None, "payment.json: direction: must be"),
        (PAYMENT, {"order": []}, None, "orders.json: must be a list of orders"),
        (PAYMENT, [3], None, r"orders.json: orders\[0\]: must be an object"),
        (PAYMENT, [ORDER, ORDER], None, r"orders.json: orders\[1\].id: 'a' is there twice"),
        (PAYMENT, [{**ORDER, "total": "1,5"}], None, r"orders.json: orders\[0\].total: '1,5'"),
        (PAYMENT, [{**ORDER, "total": ""}], None, r"orders.json: orders\[0\].total: is missing"),
        (PAYMENT, [{**ORDER, "currency": ""}], None, r"orders.json: orders\[0\].currency: is mis"),
        (PAYMENT, [{**ORDER, "x": 1}], None, r"orders.json: orders\[0\]: .*\"x\""),
        (PAYMENT, [ORDER], {"criteria": ["BEST"]}, "rules.json: .*criteria"),
        (
            PAYMENT, [ORDER],
            {"criteria": ["CRITERION_MESSAGE_PATTERN"], "message_pattern": "(a)(b)"},
            "rules.json: rules.message_pattern: must have exactly one group",
        ),
        (
            PAYMENT, [ORDER], {"tolerances": [{"currency": "CZK", "amount": "x"}]},
            r"rules.json: tolerances\[0\].amount",
        ),
    ],
)  # fmt: skip
def test_errors_name_the_file_and_the_field(
    files: Files, payment: object, orders: object, rules: object, says: str
) -> None:
    with pytest.raises(InspectError, match=says):
        files.ask(payment, orders, rules)
