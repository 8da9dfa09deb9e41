"""The command `spojka`."""

from typing import Annotated, ClassVar

import typer

from spojka.cli.commands import SpojkaCommands


class Spojka(SpojkaCommands):
    """All commands, by the module that holds each."""

    modules: ClassVar = {
        "up": "spojka.cli.up",
        "demo": "spojka.cli.demo",
        "serve": "spojka.cli.serve",
        "migrate": "spojka.cli.migrate",
        "settings": "spojka.cli.settings_page",
        "status": "spojka.cli.status",
        "verify": "spojka.cli.verify",
        "tenant": "spojka.cli.tenant",
        "apikey": "spojka.cli.apikey",
        "channel": "spojka.cli.channel",
        "warehouse": "spojka.cli.warehouse",
        "item": "spojka.cli.item",
        "listing": "spojka.cli.listing",
        "order": "spojka.cli.order",
        "import": "spojka.cli.imports",
        "bank": "spojka.cli.bank",
        "mail": "spojka.cli.mail",
        "payment": "spojka.cli.payment",
        "task": "spojka.cli.task",
        "events": "spojka.cli.events",
        "deadletters": "spojka.cli.deadletters",
        "inspect": "spojka.cli.inspections",
    }


app = typer.Typer(cls=Spojka, add_completion=False, no_args_is_help=True)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("spojka"))
        raise typer.Exit


@app.callback()
def spojka(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Couple a warehouse, shops and marketplaces, banks and payment gateways."""
    del version


def main() -> None:
    """Run the command line."""
    app(prog_name="spojka")
