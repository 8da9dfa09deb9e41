"""Groups of commands that are imported when they are called, and how errors are said."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from spojka.cli.errors import CommandError

INTERRUPTED = 130
USAGE = 2


class SpojkaCommands(TyperGroup):
    """The commands of `spojka`: each module is imported only when its command is called.

    Errors are one line on stderr: exit code 1 where a command could not do its
    work, 2 where it was called wrongly.
    """

    modules: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """The names, in the table's order."""
        del ctx
        return list(self.modules)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """The command of this name; None where there is none."""
        del ctx
        module = self.modules.get(cmd_name)
        return None if module is None else command_of(import_module(module).app, cmd_name)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; leaves by SystemExit unless `standalone_mode` is off."""
        try:
            result = super().main(args, prog_name, standalone_mode=False, **extra)
        except CommandError as error:
            _say_and_leave(str(error), 1)
        except typer.TyperException as error:
            _say_and_leave(error.format_message() + _see(error), error.exit_code)
        except typer.Abort:
            sys.exit(INTERRUPTED)
        if not standalone_mode:
            return result
        sys.exit(result if isinstance(result, int) else 0)


def command_of(app: typer.Typer, name: str) -> TyperCommand | TyperGroup:
    """The command that a typer application stands for, under `name`."""
    command = typer.main.get_command(app)
    command.name = name
    assert isinstance(command, TyperCommand | TyperGroup)
    return command


def _say_and_leave(message: str, code: int) -> NoReturn:
    # A group that was called without a command has printed its help page already.
    if message:
        sys.stderr.write(f"spojka: {' '.join(message.split())}\n")
    sys.exit(code)


def _see(error: typer.TyperException) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    if context is None or not error.format_message():
        return ""
    end = "" if error.format_message().rstrip().endswith((".", "?")) else "."
    return f"{end} See '{context.command_path} --help'."
