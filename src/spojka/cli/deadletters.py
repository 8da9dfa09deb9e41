"""`spojka deadletters …`."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer

from spojka.cli.dead_letter_groups import groups_of, opened
from spojka.cli.errors import said
from spojka.cli.json_output import print_json
from spojka.cli.local import local_settings
from spojka.cli.output import AsJson, print_table
from spojka.database import RoleRefused
from spojka.delivery.dead_letters import DeadLetter, DeadLetters
from spojka.delivery.tail import to_json
from spojka.errors import RequestError
from spojka.settings import SettingsError

app = typer.Typer(
    help="Messages that could not be handled.", no_args_is_help=True, add_completion=False
)

Group = Annotated[str, typer.Argument(help="The consumer group that failed.")]
Result = TypeVar("Result")


@app.command("list")
def list_letters(
    group: Annotated[str, typer.Argument(help="A consumer group; without it, all.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most of each group.")] = 50,
    before: Annotated[
        int | None, typer.Option(min=0, help="Only older ones than this; needs a group.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first, and the partitions that wait for 'resume'."""
    if before is not None and not group:
        raise typer.BadParameter("--before needs a group")
    letters: list[DeadLetter] = []
    paused: list[dict[str, Any]] = []
    for name in [group] if group else _said(_groups):
        found, waiting = _with(name, lambda box: _page(box, before, limit))
        letters += found
        paused += [{"group": name, **asdict(partition)} for partition in waiting]
    if as_json:
        print_json({"letters": [_dict(each) for each in letters], "paused": _plain(paused)})
        return
    rows = [
        (
            each.group,
            str(each.offset),
            f"{each.failed_time:%Y-%m-%d %H:%M:%SZ}",
            each.event_type.rpartition(".")[2],
            each.key,
            "yes" if each.replayed else "no",
            " ".join(each.reason.split()),
        )
        for each in letters
    ]
    print_table(("group", "letter", "failed", "event", "key", "replayed", "reason"), rows)
    for each in paused:
        typer.echo(
            f"paused: {each['topic']}[{each['partition']}] of {each['group']} after "
            f"{each['dead_letters']} dead letters; go on with: spojka deadletters resume "
            f"{each['group']} {each['topic']} {each['partition']}"
        )


@app.command()
def show(group: Group, letter: Annotated[int, typer.Argument(help="Its number.")]) -> None:
    """Show one dead letter with its headers and, where it can be read, its content."""
    print_json(_dict(_with(group, lambda box: box.show(letter))))


@app.command()
def replay(
    group: Group,
    letter: Annotated[int | None, typer.Argument(help="Its number.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="All since this time (UTC) that were not replayed yet.")
    ] = None,
) -> None:
    """Deliver one dead letter, or all since a time, to the group that failed, and to it alone."""
    if (letter is None) == (since is None):
        raise typer.BadParameter("name one letter, or a time with --since")
    if letter is not None:
        print_json(_dict(_with(group, lambda box: box.replay(letter))))
    elif since is not None:
        start = since if since.tzinfo else since.replace(tzinfo=UTC)
        count = _with(group, lambda box: box.replay_since(start))
        letters = "1 dead letter is on its" if count == 1 else f"{count} dead letters are on their"
        typer.echo(f"{letters} way to {group}")


@app.command()
def resume(
    group: Group,
    topic: Annotated[str, typer.Argument(help="The topic, as 'list' names it.")],
    partition: Annotated[int, typer.Argument(help="The partition.")],
) -> None:
    """Let a partition that paused after too many dead letters go on."""
    _with(group, lambda box: box.resume(topic, partition))
    typer.echo(f"{topic}[{partition}] of {group} goes on")


async def _page(box: DeadLetters, before: int | None, limit: int) -> tuple[Any, Any]:
    return await box.page(before=before, limit=limit), await box.paused()


async def _groups() -> list[str]:
    return await asyncio.to_thread(groups_of, local_settings())


def _with(group: str, work: Callable[[DeadLetters], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with opened(group, local_settings()) as box:
            return await work(box)

    return _said(run)


def _said(work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    with said(SettingsError, RequestError, RoleRefused):
        return asyncio.run(work())


def _dict(letter: DeadLetter) -> dict[str, Any]:
    values: dict[str, Any] = _plain(asdict(letter))
    value = letter.value
    values["value"] = to_json(letter.event_type, value)
    values["value_hex"] = None if value is None else value.hex()
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, datetime) else value
