"""JSON for programs and people alike; apart from the rest, so that `inspect` starts quickly."""

import json

import typer


def print_json(value: object) -> None:
    """Print a value."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
