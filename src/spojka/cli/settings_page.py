"""`spojka settings`."""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import typer
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from spojka.cli.client_settings import ClientSettings
from spojka.cli.errors import CommandError, said
from spojka.cli.json_output import print_json
from spojka.cli.limits import Limit, limits
from spojka.cli.output import AsJson
from spojka.settings import PREFIX, SettingsError, load_settings

app = typer.Typer(add_completion=False)

WIDTH_CHARACTERS = 96


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable. `value` is the one in force; a secret's is never told."""

    name: str
    value: str
    default: str
    meaning: str


@app.command()
def settings(as_json: AsJson = False) -> None:
    """Print every setting with its default, the value in force and its meaning; and every limit."""
    with said(SettingsError):
        found = list(_variables(load_settings()))
    try:
        found += _variables(ClientSettings())
    except ValidationError as error:
        problem = error.errors()[0]
        raise CommandError(f"{_variable_name(problem['loc'][0])}: {problem['msg']}") from error
    if as_json:
        print_json(
            {
                "settings": [asdict(variable) for variable in found],
                "limits": [asdict(limit) for limit in limits()],
            }
        )
    else:
        _print(found, limits())


def _print(variables: list[Variable], known: list[Limit]) -> None:
    for variable in variables:
        differs = f"   (default: {variable.default})" if variable.value != variable.default else ""
        typer.echo(f"{variable.name} = {variable.value}{differs}")
        typer.echo(textwrap.indent(textwrap.fill(variable.meaning, WIDTH_CHARACTERS), "    "))
    typer.echo("\nLimits that are no settings")
    module = ""
    for limit in known:
        if limit.module != module:
            module = limit.module
            typer.echo(f"{module}")
        meaning = f"   {limit.meaning}" if limit.meaning else ""
        typer.echo(f"    {limit.name} = {limit.value:,}{meaning}")


def _variables(values: BaseSettings) -> Iterator[Variable]:
    for name, field in type(values).model_fields.items():
        yield Variable(
            _variable_name(name),
            _shown(getattr(values, name)),
            _shown(field.get_default(call_default_factory=True, validated_data={})),
            _meaning(field),
        )


def _variable_name(field: object) -> str:
    return f"{PREFIX}{field}".upper()


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, SecretStr):
        return "set, hidden"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def _meaning(field: FieldInfo) -> str:
    bounds = [
        f"{word} {getattr(rule, name)}"
        for rule in field.metadata
        for name, word in (("ge", "from"), ("gt", "above"), ("le", "to"), ("lt", "below"))
        if getattr(rule, name, None) is not None
    ]
    return (field.description or "") + (f" Range: {' '.join(bounds)}." if bounds else "")
