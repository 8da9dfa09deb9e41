"""`spojka inspect …`: the inspections that services registered."""

from collections.abc import Callable, Mapping
from functools import wraps
from importlib.metadata import EntryPoints, entry_points
from typing import Any

import typer

from spojka.cli.commands import SpojkaCommands, command_of
from spojka.cli.errors import said
from spojka.cli.json_output import print_json
from spojka.inspection import ENTRY_POINTS, InspectError


def _registered() -> EntryPoints:
    return entry_points(group=ENTRY_POINTS)


class Inspections(SpojkaCommands):
    """One command for each registered inspection; only the one that is called is imported."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Their names."""
        del ctx
        return sorted(_registered().names)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """The inspection of this name as a command. Raises typer.BadParameter for another."""
        registered = _registered()
        if cmd_name not in registered.names:
            known = ", ".join(self.list_commands(ctx)) or "none"
            raise typer.BadParameter(f"there is no inspection {cmd_name!r}; there are: {known}")
        return inspection_command(cmd_name, registered[cmd_name].load())


def inspection_command(name: str, inspection: Callable[..., Mapping[str, object]]) -> Any:
    """The command of an inspection: its answer as JSON, or its error."""

    @wraps(inspection)
    def command(*arguments: Any, **options: Any) -> None:
        with said(InspectError):
            answer = inspection(*arguments, **options)
        print_json(answer)

    single = typer.Typer(add_completion=False)
    single.command(name)(command)
    return command_of(single, name)


app = typer.Typer(cls=Inspections, add_completion=False, no_args_is_help=True)


@app.callback()
def inspect() -> None:
    """Answer questions offline, without a database, as JSON."""
