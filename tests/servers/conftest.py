"""Folders that an unprivileged account can reach, for servers that refuse to run as root."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    """Make a data directory below which any user may work (pytest's own are the caller's alone)."""
    folder = Path(tempfile.mkdtemp(prefix="spojka-servers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
