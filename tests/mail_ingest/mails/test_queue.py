"""Of several takings of one mail the newest alone counts, also while it is not done."""

from datetime import timedelta
from uuid import UUID

from mail_ingest.mails.queue import Claim, claim, finish, postpone
from spojka.database import Database
from tests.mail_ingest.mails.scene import Scene, letter


async def taken(database: Database, mail_id: UUID) -> Claim:
    (found,) = (each for each in await claim(database, 100) if each.mail_id == mail_id)
    return found


async def test_a_late_worker_does_not_finish_what_another_has_taken(scene: Scene) -> None:
    mail_id = await scene.send(letter())
    late = await taken(scene.database, mail_id)
    await scene.make_due()
    newest = await taken(scene.database, mail_id)
    async with scene.database.transaction(late.tenant_id) as connection:
        assert await finish(connection, late.tenant_id, [late]) == set()
        assert not await postpone(connection, late, timedelta(0), judged=True)
        assert await finish(connection, late.tenant_id, [newest]) == {mail_id}
