"""The story from its beginning to its end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from rich.console import Console

from sandbox.demo.chapters import (
    arriving,
    changing,
    connecting,
    delivering,
    guarding,
    importing,
    moving,
    probing,
    selling,
    tracing,
)
from sandbox.demo.closing import leave_keys, say_goodbye
from sandbox.demo.narrator import Narrator, seconds
from sandbox.demo.opening import opened
from sandbox.demo.stage import Stage
from sandbox.demo.ticker import tick
from spojka.demonstration import StoryFailed
from spojka.settings import Settings
from spojka.up import Installation


class Story:
    """The demonstration of the goods side (a `Demonstration`)."""

    def prepared(self, settings: Settings) -> Settings:
        """The stand-in listens on this machine, where a merchant's server may not."""
        return settings.model_copy(update={"allow_private_targets": True})

    @asynccontextmanager
    async def told(self, installation: Installation, console: Console) -> AsyncIterator[None]:
        """Tell the story; the shops go on until the block ends. Raises StoryFailed."""
        narrator = Narrator(console)
        started = time.monotonic()
        narrator.chapter("The stage")
        async with opened(installation, narrator) as stage:
            try:
                await _tell(stage)
            except StoryFailed:
                narrator.say(f"The logs are in {installation.settings.data_dir / 'logs'}")
                raise
            keys = leave_keys(stage, installation)
            say_goodbye(stage, installation, keys, seconds(time.monotonic() - started))
            ticking = asyncio.create_task(tick(narrator, (stage.eshop, stage.market)))
            try:
                yield
            finally:
                ticking.cancel()
                with suppress(asyncio.CancelledError):
                    await ticking


async def _tell(stage: Stage) -> None:
    chapter = stage.narrator.chapter
    chapter(connecting.TITLE)
    await connecting.tell(stage)
    chapter(arriving.TITLE)
    await arriving.tell(stage)
    chapter(selling.TITLE)
    sale = await selling.tell(stage)
    chapter(importing.TITLE)
    await importing.tell(stage, sale)
    chapter(delivering.TITLE)
    on_hand = await delivering.tell(stage, sale.order)
    chapter(changing.TITLE)
    await changing.tell(stage, on_hand)
    chapter(moving.TITLE)
    await moving.tell(stage)
    chapter(probing.TITLE)
    await probing.tell(stage)
    chapter(tracing.TITLE)
    await tracing.tell(stage)
    chapter(guarding.TITLE)
    await guarding.tell(stage)


DEMO: Final = Story()
