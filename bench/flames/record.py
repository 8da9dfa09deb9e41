"""Records where the processes of a row spend their processor time, with py-spy."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.flames.picture import draw
from bench.flames.stacks import read_stacks

SAMPLES_PER_SECOND: Final = 100
ROW_SECONDS_MAX: Final = 900.0


def record(row: str, folder: Path) -> Path:
    """Run a row in its smaller amounts, and draw what was seen; returns the picture's path.

    Raises RuntimeError where py-spy is not installed (the extra `bench`) or may
    not look into processes; it says why itself.
    """
    with tempfile.TemporaryDirectory(prefix="spojka-flame-") as name:
        raw = Path(name) / "stacks.txt"
        look = ["record", "--subprocesses", "--nolineno", "--format", "raw"]
        program = Path(sys.executable).with_name("py-spy")
        if not program.exists():
            raise RuntimeError("py-spy is not installed: pip install -e '.[bench]'")
        subprocess.run(
            [
                str(program),
                *look,
                *("--rate", str(SAMPLES_PER_SECOND), "--output", str(raw), "--"),
                *(sys.executable, "-m", "bench", row, "--quick"),
            ],
            check=False,  # A row that misses its ratio ends with 1.
            timeout=ROW_SECONDS_MAX,
        )
        if not raw.exists():
            raise RuntimeError("py-spy recorded nothing: it must be allowed to look into processes")
        root = read_stacks(raw.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"flame-{row}.svg"
    path.write_text(draw(root, f"{row}: processor time by process and function"), encoding="utf-8")
    return path
