"""What commands print: JSON of one message, or a list as a table or as JSON."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from spojka.cli.enums import short_name
from spojka.cli.json_output import print_json

MAX_ROWS = 10_000

AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON array instead of a table.")]
Limit = Annotated[int, typer.Option(min=1, max=MAX_ROWS, help="Most rows to print.")]


def as_dict(message: Message) -> dict[str, Any]:
    """A message as JSON values, with the names of the contracts and every plain field."""
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def print_message(message: Message) -> None:
    """Print one message."""
    print_json(as_dict(message))


def print_rows(rows: Sequence[Message], columns: Sequence[str], *, as_json: bool) -> None:
    """Print messages: `columns` of each, named by their path, or all of it as JSON."""
    if as_json:
        print_json([as_dict(row) for row in rows])
        return
    print_table(columns, [[_cell(row, column) for column in columns] for row in rows])


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table in plain text, which other programs can cut, too."""
    titles = [column.rpartition(".")[2].upper() for column in columns]
    widths = [max(map(len, cells)) for cells in zip(titles, *rows, strict=True)]
    for cells in (titles, *rows):
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        typer.echo("  ".join(padded).rstrip())


def _cell(message: Message, path: str) -> str:
    value: Any = message
    *parents, name = path.split(".")
    for parent in parents:
        value = getattr(value, parent)
    field = value.DESCRIPTOR.fields_by_name[name]
    if field.has_presence and not value.HasField(name):
        return ""
    value = getattr(value, name)
    if isinstance(value, Timestamp):
        return value.ToDatetime().strftime("%Y-%m-%d %H:%M:%SZ")
    if isinstance(field.enum_type, EnumDescriptor):
        return short_name(field.enum_type, value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Message):
        return " ".join(str(value).split())
    if field.is_repeated:
        return ",".join(map(str, value))
    return " ".join(str(value).split())
