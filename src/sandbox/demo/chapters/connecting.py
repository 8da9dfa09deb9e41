"""The warehouse is connected: first with a wrong password, then with the right one."""

from typing import Final

from sandbox.demo.expectations import expect
from sandbox.demo.stage import Stage
from spojka.api.stock.v1 import warehouse_service_pb2 as api

TITLE: Final = "The warehouse is connected"
PROBE_SECONDS: Final = 300
"""In the story every change is told by an impulse, and none is found by chance."""


async def tell(stage: Stage) -> None:
    """Create, test, mend, test again, activate."""
    stage.narrator.say(
        "The merchant's warehouse runs in Pohoda, behind its mServer. Somebody mistypes the "
        "password:"
    )
    connection = api.Connection(
        system="pohoda",
        name="Pohoda",
        settings={"url": stage.warehouse.url, "ico": "12345678"},
        credentials={"username": "api", "password": "apo"},
        probe_interval_seconds=PROBE_SECONDS,
    )
    async with stage.narrator.step("a wrong password is refused, with what to do about it"):
        connection = await stage.office.create_connection(connection)
        answer = await stage.office.test_connection(connection.id)
        expect(not answer.ok, "the test to fail", answer.message)
        expect("password" in answer.advice, "advice that names the password", answer.advice)
    stage.narrator.quote(f"{answer.message} {answer.advice}")
    async with stage.narrator.step("the right password is taken; no key is ever shown again"):
        connection = await stage.office.change_credentials(connection, password="api")  # noqa: S106 - the stand-in's
        answer = await stage.office.test_connection(connection.id)
        expect(answer.ok, "the test to pass", answer.message)
        expect(not connection.credentials, "no credentials in answers", connection.credentials)
    stage.narrator.quote(answer.message)
    stage.connection = connection
