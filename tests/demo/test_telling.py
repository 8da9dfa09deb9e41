"""How a step of the demo's story passes or fails."""

import io
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from sandbox.demo import DEMO, story
from sandbox.demo.expectations import Unexpected, eventually, expect
from sandbox.demo.narrator import Narrator
from spojka import demonstration
from spojka.demonstration import DemonstrationMissing, StoryFailed, registered_demonstration
from spojka.errors import Unavailable
from spojka.servers.ports import is_free
from spojka.settings import Settings


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80)


def _printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


async def test_a_step_that_holds_is_counted_and_timed(console: Console) -> None:
    narrator = Narrator(console)
    async with narrator.step("two and two are four"):
        expect(2 + 2 == 4, "four", 2 + 2)
    assert narrator.steps_passed == 1
    assert re.match(r"  ✓ two and two are four \(\d+ ms\)\n", _printed(console))


@pytest.mark.parametrize("error", [Unexpected("four", 5), Unavailable("nobody is there")])
async def test_a_step_that_does_not_is_named(console: Console, error: Exception) -> None:
    narrator = Narrator(console)
    with pytest.raises(StoryFailed, match=f"the step 'two and two are four': {error}"):
        async with narrator.step("two and two are four"):
            raise error
    assert narrator.steps_passed == 0
    assert "✗ two and two are four" in _printed(console)


async def test_a_fault_of_the_demo_itself_is_not_taken_for_a_step(console: Console) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Narrator(console).step("anything"):
            raise ZeroDivisionError


async def test_looking_again_until_it_holds() -> None:
    figures: Iterator[int] = iter([1, 2, 3])

    async def look() -> int:
        return next(figures)

    assert await eventually(look, lambda seen: seen == 3, "three") == 3


async def test_looking_in_vain_says_what_was_seen_last() -> None:
    async def look() -> int:
        return 1

    with pytest.raises(Unexpected, match=r"expected three within 0\.1 s; seen: 1"):
        await eventually(look, lambda seen: seen == 3, "three", within_seconds=0.1)


def test_the_story_asks_its_own_dns_and_reaches_this_machine() -> None:
    settings = DEMO.prepared(Settings(dns_servers="192.0.2.53:53", mail_domain="shop.example"))
    ((host, port),) = settings.dns_server_list
    assert host == "127.0.0.1"
    assert is_free(port)
    assert settings.mail_domain != "shop.example"
    assert settings.allow_private_targets


def test_a_machine_that_cannot_play_banks_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(story, "ADDRESSES", ("127.0.0.11", "192.0.2.11"))
    with pytest.raises(StoryFailed, match=r"ifconfig lo0 alias 192\.0\.2\.11 up"):
        DEMO.prepared(Settings())


def test_the_story_is_registered() -> None:
    assert registered_demonstration() is DEMO


def test_without_a_story_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demonstration, "ENTRY_POINTS", "spojka.no-such-group")
    with pytest.raises(DemonstrationMissing, match="install Spojka again"):
        registered_demonstration()
