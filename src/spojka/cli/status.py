"""`spojka status`."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from spojka.cli.errors import said
from spojka.cli.json_output import print_json
from spojka.cli.local import local_settings
from spojka.cli.output import AsJson, print_table
from spojka.settings import SettingsError
from spojka.up.status_file import Status, read_status

app = typer.Typer(add_completion=False)

TIMEOUT_SECONDS = 5.0


@app.command()
def status(
    url: Annotated[
        str, typer.Option(help="The edge's HTTP address; without it, the settings' own.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Say whether Spojka is ready, part by part. Exit code 1 where it is not."""
    with said(SettingsError):
        settings = local_settings()
    edge = url or f"http://{settings.edge_host}:{settings.edge_http_port}"
    ready, parts = _asked(edge)
    here = read_status(settings.data_dir)
    if as_json:
        print_json({"ready": ready, "edge": edge, "parts": parts, "up": _up(here)})
    else:
        print_table(("part", "state"), [("edge", edge), *parts.items()])
        _print_up(here, settings.data_dir)
    raise typer.Exit(0 if ready else 1)


def _asked(edge: str) -> tuple[bool, dict[str, str]]:
    try:
        answer = httpx.get(f"{edge.rstrip('/')}/ready", timeout=TIMEOUT_SECONDS)
        body: dict[str, Any] = answer.json()
        return bool(body["ready"]), {str(name): str(state) for name, state in body["parts"].items()}
    except httpx.HTTPError as error:
        return False, {"edge": f"does not answer ({type(error).__name__})"}
    except (ValueError, KeyError, AttributeError, TypeError, httpx.InvalidURL):
        return False, {"edge": "answers, but not as Spojka's edge does"}


def _print_up(here: Status | None, data_dir: Path) -> None:
    if here is None:
        typer.echo(f"\n'spojka up' does not run here (data directory {data_dir})")
        return
    typer.echo(f"\n'spojka up' runs here as process {here.pid} (data directory {data_dir})")
    rows = [
        (
            process.name,
            process.state.value,
            str(process.pid or ""),
            here.listening.get(process.name, ""),
            process.detail,
        )
        for process in here.processes
    ]
    print_table(("process", "state", "pid", "listens", "detail"), rows)


def _up(here: Status | None) -> dict[str, Any] | None:
    if here is None:
        return None
    return {
        "pid": here.pid,
        "listening": dict(here.listening),
        "processes": [
            {
                "name": process.name,
                "state": process.state.value,
                "pid": process.pid,
                "detail": process.detail,
                "log": str(process.log_path),
            }
            for process in here.processes
        ],
    }
