"""The story from its beginning to its end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from rich.console import Console

from sandbox.banks import LoopbackMissing, loopback
from sandbox.banks.dns_server import HOST, free_port
from sandbox.banks.street import ADDRESSES
from sandbox.demo.chapters import (
    arriving,
    balancing,
    banking,
    changing,
    confirming,
    connecting,
    delivering,
    doubting,
    forging,
    guarding,
    importing,
    instalments,
    moving,
    paying,
    probing,
    repeating,
    ruling,
    selling,
    sharing,
    tracing,
)
from sandbox.demo.closing import Money, leave_keys, say_goodbye
from sandbox.demo.narrator import Narrator, seconds
from sandbox.demo.opening import opened
from sandbox.demo.stage import Stage
from sandbox.demo.ticker import tick
from spojka.demonstration import StoryFailed
from spojka.settings import Settings
from spojka.up import Installation

MAIL_DOMAIN: Final = "mail.demo.example"


class Story:
    """The demonstration of the goods and the money (a `Demonstration`)."""

    def prepared(self, settings: Settings) -> Settings:
        """What the stand-ins need: they are on this machine, and DNS is their own.

        A merchant's server may not be on a private address, and DNS of the
        world is not asked. Raises StoryFailed where this machine can't play banks.
        """
        try:
            loopback.require(ADDRESSES)
        except LoopbackMissing as error:
            raise StoryFailed(str(error)) from error
        return settings.model_copy(
            update={
                "allow_private_targets": True,
                "mail_domain": MAIL_DOMAIN,
                "dns_servers": f"{HOST}:{free_port()}",
            }
        )

    @asynccontextmanager
    async def told(self, installation: Installation, console: Console) -> AsyncIterator[None]:
        """Tell the story; the shops go on until the block ends. Raises StoryFailed."""
        narrator = Narrator(console)
        started = time.monotonic()
        narrator.chapter("The stage")
        async with opened(installation, narrator) as stage:
            try:
                await _tell_of_goods(stage)
                money = await _tell_of_money(stage)
            except StoryFailed:
                narrator.say(f"The logs are in {installation.settings.data_dir / 'logs'}")
                raise
            keys = leave_keys(stage, installation)
            say_goodbye(stage, installation, money, keys, seconds(time.monotonic() - started))
            ticking = asyncio.create_task(tick(narrator, (stage.eshop, stage.market)))
            try:
                yield
            finally:
                ticking.cancel()
                with suppress(asyncio.CancelledError):
                    await ticking


async def _tell_of_goods(stage: Stage) -> None:
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


async def _tell_of_money(stage: Stage) -> Money:
    chapter = stage.narrator.chapter
    chapter(banking.TITLE)
    account = await banking.tell(stage)
    chapter(confirming.TITLE)
    await confirming.tell(stage, account)
    chapter(paying.TITLE)
    await paying.tell(stage, account)
    chapter(repeating.TITLE)
    await repeating.tell(stage, account)
    chapter(forging.TITLE)
    await forging.tell(stage, account)
    chapter(doubting.TITLE)
    await doubting.tell(stage, account)
    chapter(instalments.TITLE)
    await instalments.tell(stage, account)
    chapter(sharing.TITLE)
    second = await sharing.tell(stage)
    chapter(ruling.TITLE)
    left = await ruling.tell(stage, account)
    chapter(balancing.TITLE)
    await balancing.tell(stage, [account, second])
    return Money(account, left)


DEMO: Final = Story()
