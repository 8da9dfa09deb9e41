"""Running stand-ins for the tests."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from lxml import etree

from sandbox.pohoda.server import running
from tests.sandbox.pohoda.client import Client, Clock, Start

REFERENCE_VARIABLE = "SPOJKA_REFERENCE_DIR"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly when the answers were not judged by the vendor's schemas."""
    if not os.environ.get(REFERENCE_VARIABLE):
        warning = f"WARNING: {REFERENCE_VARIABLE} is not set: no answer of the sandbox is validated"
        terminalreporter.write_line(warning, yellow=True, bold=True)


@pytest.fixture(scope="session")
def reference() -> Path | None:
    """The folder with the vendor's schemas and sample documents, where there is one."""
    folder = os.environ.get(REFERENCE_VARIABLE)
    return Path(folder) if folder else None


@pytest.fixture(scope="session")
def answer_schema(reference: Path | None) -> etree.XMLSchema | None:
    if reference is None:
        return None
    return etree.XMLSchema(etree.parse(reference / "pohoda" / "xsd" / "response.xsd"))


@pytest.fixture
def start(reference: Path | None, answer_schema: etree.XMLSchema | None) -> Start:
    """Start a stand-in as often as a test needs."""

    @asynccontextmanager
    async def _start(
        state_path: Path | None = None, documents_dir: Path | None = None
    ) -> AsyncIterator[Client]:
        clock = Clock()
        async with (
            running(
                state_path=state_path,
                reference_dir=reference,
                documents_dir=documents_dir,
                clock=clock,
            ) as stand_in,
            httpx.AsyncClient(base_url=stand_in.url, timeout=20) as http,
        ):
            yield Client(http, clock, answer_schema)

    return _start


CARDS: list[dict[str, object]] = [
    {
        "id": 132,
        "store": "HLAVNI",
        "branch": "Židle/Kuchyňské",
        "code": "Z220",
        "name": "Židle Z220",
        "ean": "8591234567890",
        "plu": 220,
        "count": 25,
        "reserved_elsewhere": 5,
        "ordered_elsewhere": 3,
        "selling_price": "1968",
        "pictures": ["z220.jpg"],
        "categories": [3],
        "price_levels": [["Sleva 1", "1500.5"]],
        "ext_ids": [{"ids": "x-1", "system": "shop"}],
    },
    {"id": 140, "store": "HLAVNI", "branch": "Stoly", "code": "KONF11", "name": "Stůl", "count": 4},
    {"id": 141, "store": "POBOCKA", "code": "Z220", "name": "Židle Z220", "count": "1.5"},
    {
        "id": 150,
        "store": "POBOCKA",
        "code": "DVOJNIK",
        "name": "Dvojník",
        "ean": "8591234567890",
        "count": -2,
        "is_internet": False,
    },
    {"id": 160, "store": "HLAVNI", "code": "MONTAZ", "name": "Montáž", "kind": "service"},
]


@pytest.fixture
async def pohoda(start: Start) -> AsyncIterator[Client]:
    """A stand-in with two stores and a few cards of every sort."""
    async with start() as client:
        await client.do("POST", "stores", {"name": "HLAVNI", "text": "Hlavní sklad"})
        await client.do("POST", "stores", {"name": "POBOCKA", "allow_negative": True})
        await client.do("POST", "cards", CARDS)
        yield client
