"""`spojka verify`."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import typer

from spojka.cli.errors import CommandError, said
from spojka.cli.json_output import print_json
from spojka.cli.local import local_settings
from spojka.errors import RequestError
from spojka.service import service_database_url
from spojka.settings import Settings, SettingsError
from spojka.up.preparation import own_database_url
from spojka.verification.model import (
    Verification,
    registered_directory,
    registered_verifications,
)
from spojka.verification.report import TOLD_MAX, Report, ServiceReport
from spojka.verification.verifying import Census, Login, known_tenants, verify

DIFFERS = 1
USAGE = 2

app = typer.Typer(add_completion=False)


@app.command()
def verify_all(
    service: Annotated[
        list[str] | None, typer.Option(help="Only this service; repeatable.")
    ] = None,
    tenant: Annotated[
        list[str] | None, typer.Option(help="Only this tenant, by name or id; repeatable.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    topics: Annotated[
        bool, typer.Option(help="Compare what was told on Kafka's topics, too.")
    ] = True,
) -> None:
    """Derive stock, orders and payments anew from stored facts and compare, to the byte.

    Nothing is changed, and services may be stopped or run. Reads PostgreSQL
    (SPOJKA_DATABASE_URL) and Kafka (SPOJKA_KAFKA_BOOTSTRAP), or those of the
    'spojka up' in the data directory. Exit code 0 where all agrees, 1 where
    something differs, 2 where it could not be verified.
    """
    try:
        report = _verified(service or [], tenant or [], topics=topics)
    except CommandError as error:
        typer.echo(f"spojka: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(USAGE) from error
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    raise typer.Exit(0 if report.agrees else DIFFERS)


def _verified(services: Sequence[str], tenants: Sequence[str], *, topics: bool) -> Report:
    with said(SettingsError, RequestError, psycopg.Error, LookupError):
        settings = local_settings()
        verifications = _chosen(services)
        login = _login(settings)
        return asyncio.run(_verify(verifications, tenants, login, settings, topics=topics))


async def _verify(
    verifications: Sequence[Verification],
    tenants: Sequence[str],
    login: Login,
    settings: Settings,
    *,
    topics: bool,
) -> Report:
    chosen = await _tenants(tenants, login)
    census = None if tenants else Census(lambda: _directory(login), _given_url(settings))
    return await verify(verifications, chosen, login, settings, topics=topics, census=census)


def _given_url(settings: Settings) -> str | None:
    """The URL as it was given, where it names a role: that may be a more powerful one."""
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    return url if urlsplit(url).username else None


def _login(settings: Settings) -> Login:
    # An operator's URL names a powerful role: with the secret we log in as the service instead.
    own = own_database_url if settings.role_secret else service_database_url
    return lambda schema: own(settings, schema)


def _chosen(services: Sequence[str]) -> list[Verification]:
    known = registered_verifications()
    for name in services:
        if name not in known:
            raise CommandError(
                f"{name!r} is no service that can be verified; there are: {', '.join(known)}"
            )
    return [each for name, each in known.items() if not services or name in services]


async def _tenants(wanted: Sequence[str], login: Login) -> Mapping[str, UUID]:
    """The tenants by name; ids alone need no directory."""
    ids = [_id(text) for text in wanted]
    if wanted and all(ids):
        return {str(id_): id_ for id_ in ids if id_ is not None}
    known = await _directory(login)
    chosen = {}
    for text, id_ in zip(wanted, ids, strict=True):
        if id_ is None and text not in known:
            raise CommandError(f"there is no tenant {text!r}")
        chosen[text] = id_ or known[text]
    return chosen or known


async def _directory(login: Login) -> Mapping[str, UUID]:
    schema, directory = registered_directory()
    try:
        return await known_tenants(login, schema, directory)
    except psycopg.Error as error:
        raise CommandError(
            f"the tenants can't be read from {schema!r} ({error}): set SPOJKA_ROLE_SECRET, or name "
            "them by their ids with --tenant"
        ) from error


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _print(report: Report) -> None:
    names = {tenant: name for name, tenant in report.tenants.items()}
    for each in report.services.values():
        _print_service(each, names)
    if not report.topics:
        typer.echo("The topics were NOT compared (--no-topics).")
    differences = sum(each.difference_count for each in report.services.values())
    typer.echo("All agrees." if report.agrees else f"{differences} differences.")


def _print_service(report: ServiceReport, names: Mapping[UUID, str]) -> None:
    counts = ", ".join(f"{count} × {what}" for what, count in sorted(report.checked.items()))
    typer.echo(f"{report.service}: {counts}; {report.difference_count} differences")
    for tenant, found in report.differences:
        whose = f" of {names.get(tenant, tenant)}" if tenant else ""
        typer.echo(f"  {found.what} {found.id}{whose}: {found.meaning}")
        typer.echo(f"    {found.field}: stored {found.stored}; by the facts {found.rebuilt}")
    if report.difference_count > TOLD_MAX:
        typer.echo(f"  … and {report.difference_count - TOLD_MAX} more")
