"""How the story ends: where everything is, and what to try next."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.demo.chapters.ruling import Left
from sandbox.demo.money import BankAccount
from sandbox.demo.stage import Stage
from spojka.up import Installation
from spojka.up.private_file import write_private

FILE_NAME: Final = "demo.env"


@dataclass(frozen=True, slots=True)
class Money:
    """What the chapters about money leave behind: the bank account, and an order to pay."""

    account: BankAccount
    left: Left


def leave_keys(stage: Stage, installation: Installation) -> Path:
    """Leave what commands need to act for the demo's merchant; returns the file."""
    path = installation.settings.data_dir / FILE_NAME
    values = {
        "SPOJKA_DATA_DIR": installation.settings.data_dir,
        "SPOJKA_ADDRESS": installation.edge.grpc_address,
        "SPOJKA_API_KEY": stage.office.edge.key,
        "SPOJKA_TENANT": stage.tenant,
    }
    write_private(path, "".join(f"{name}='{value}'\n" for name, value in values.items()))
    return path


def say_goodbye(
    stage: Stage, installation: Installation, money: Money, keys: Path, took: str
) -> None:
    """Print the addresses and the commands."""
    narrator, edge, settings = stage.narrator, installation.edge, installation.settings
    narrator.table(
        f"All {narrator.steps_passed} steps were as told, in {took}",
        [
            ("Spojka, gRPC", edge.grpc_address),
            ("Spojka, HTTP", edge.http_url),
            ("Impulse URL", stage.connection.impulse_url),
            ("Pohoda's stand-in", f"{stage.warehouse.url} (ledger: /sandbox/ledger)"),
            ("SMTP, for banks", f"{settings.smtp_host}:{settings.smtp_port}"),
            ("Bank address", money.account.connection.address),
            ("Banks' stand-ins", f"{stage.banks.url}/sandbox/ledger"),
            ("Kafka", installation.settings.required_bootstrap()),
            ("Merchant", stage.tenant),
            ("Keys", str(keys)),
            ("Logs", str(installation.settings.data_dir / "logs")),
        ],
    )
    # `make demo` runs the command of its own virtual environment.
    spojka = "spojka" if shutil.which("spojka") else os.path.relpath(sys.argv[0])
    narrator.say("\nTry next, in another terminal:")
    movement = f'{{"store": "HLAVNI", "code": "{stage.moved.code}", "delta": -3}}'
    transfer = (
        f'{{"bank": "{money.account.bank.house.name}", "account": "{money.account.number}", '
        f'"amount": "{money.left.order.total}", "vs": "{money.left.variable_symbol}"}}'
    )
    narrator.commands(
        [
            f"set -a; . '{keys}'; set +a",
            f"{spojka} item trace {stage.sold.code}",
            f"{spojka} order list",
            f"{spojka} warehouse readings",
            f"{spojka} events tail",
            f"curl -d '{movement}' {stage.warehouse.url}/sandbox/movements",
            f"curl -X POST {stage.connection.impulse_url}",
            f"{spojka} payment list",
            f"{spojka} mail list",
            f"curl -d '{transfer}' {stage.banks.url}/sandbox/movements",
            f"{spojka} order show {money.left.order.id}",
        ]
    )
