"""`spojka migrate`."""

import asyncio

import psycopg
import typer

from spojka.cli.errors import said
from spojka.migrations import MigrationError
from spojka.service import registered_services
from spojka.settings import SettingsError, load_settings
from spojka.up.errors import UpError
from spojka.up.preparation import migrate_all

app = typer.Typer(add_completion=False)


@app.command()
def migrate() -> None:
    """Bring every schema of the database up to date, and print what was applied.

    SPOJKA_DATABASE_URL must log in as a role that may create roles and schemas.
    """
    with said(SettingsError, MigrationError, UpError, psycopg.Error):
        services = list(registered_services().values())
        applied = asyncio.run(migrate_all(load_settings(), services))
    for name in applied:
        typer.echo(name)
    if not applied:
        typer.echo("every schema is up to date", err=True)
