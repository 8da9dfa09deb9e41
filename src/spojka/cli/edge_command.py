"""Commands that call the public address: the options that all of them have."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from spojka.cli.edge import ClientOptions, Edge, connected

P = ParamSpec("P")
Function = Callable[Concatenate[Edge, P], Awaitable[None]]

_PANEL = "The public address"


def _options(
    address: Annotated[
        str | None,
        typer.Option(help="host:port [SPOJKA_ADDRESS]", rich_help_panel=_PANEL),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="API key [SPOJKA_API_KEY]", rich_help_panel=_PANEL)
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option(help="Tenant that an admin key acts for", rich_help_panel=_PANEL),
    ] = None,
    tls_ca: Annotated[
        str | None,
        typer.Option(help="PEM file, or 'system'; calls by TLS", rich_help_panel=_PANEL),
    ] = None,
) -> None:
    """The signature whose parameters every such command gets."""


def edge_command(app: typer.Typer, name: str | None = None) -> Callable[[Function[P]], Function[P]]:
    """Make `async def command(edge, …)` a command of `app`.

    Its parameters after `edge` become arguments and options as typer reads
    them; those of the public address are added, and `edge` is made of them.
    """

    def register(function: Function[P]) -> Function[P]:
        own = inspect.signature(function, eval_str=True)
        shared = inspect.signature(_options, eval_str=True)

        def command(**arguments: Any) -> None:
            options = ClientOptions(**{name: arguments.pop(name) for name in shared.parameters})
            asyncio.run(_run(function, options, arguments))

        parameters = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in (*list(own.parameters.values())[1:], *shared.parameters.values())
        ]
        command.__name__, command.__doc__ = function.__name__, function.__doc__
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        app.command(name)(command)
        return function

    return register


async def _run(
    function: Callable[..., Awaitable[None]], options: ClientOptions, arguments: Any
) -> None:
    async with connected(options) as edge:
        await function(edge, **arguments)
