"""`spojka serve <service>`."""

import asyncio
from importlib.metadata import entry_points
from typing import Annotated

import psycopg
import typer

from spojka.cli.errors import CommandError, said
from spojka.database import RoleRefused
from spojka.errors import RequestError
from spojka.service import ENTRY_POINTS, serve
from spojka.settings import SettingsError, load_settings

app = typer.Typer(add_completion=False)


@app.command()
def serve_one(service: Annotated[str, typer.Argument(help="Its name, such as stock.")]) -> None:
    """Run one service until SIGTERM or Ctrl-C. Any number of each may run at once."""
    # Only the one that is asked for is imported.
    found = entry_points(group=ENTRY_POINTS)
    if service not in found.names:
        raise CommandError(
            f"there is no service {service!r}; there are: {', '.join(sorted(found.names))}"
        )
    with said(SettingsError, RoleRefused, RequestError, OSError, psycopg.OperationalError):
        asyncio.run(serve(found[service].load(), load_settings()))
