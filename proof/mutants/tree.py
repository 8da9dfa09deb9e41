"""A plain copy of the repository, in which one mutant at a time is alive."""

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

from proof.mutants.mutant import Mutant

ROOT: Final = Path(__file__).resolve().parents[2]
GIT_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 60.0

# Asked of a child of a child, as a test that starts processes does.
_WHERE: Final = """
import subprocess, sys
from importlib.util import find_spec
code, (who, *names) = sys.orig_argv[2], sys.argv[1:]
if who == "child":
    sys.exit(subprocess.run([sys.executable, "-c", code, "grandchild", *names]).returncode)
for name in names:
    print(find_spec(name).origin)
"""


class Shadowed(Exception):
    """The tests would import other code than the copy's, so that no mutant would be alive."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The copy. Whatever runs in `environment` imports its code and no other."""

    home: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment of a run: the copy's code stands before the installed one's.

        No bytecode is written: Python takes a file of the same size and second
        for the same file.
        """
        return os.environ | {
            "PYTHONPATH": str(self.home / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @contextmanager
    def mutated(self, mutant: Mutant) -> Iterator[None]:
        """Let the mutant live for the time of a block. Raises OutOfDate."""
        originals = {path: self._read(path) for path in mutant.paths}
        changed = dict(originals)
        for edit in mutant.edits:
            changed[edit.path] = edit.applied_to(changed[edit.path])
        self._write(changed)
        try:
            yield
        finally:
            self._write(originals)

    def require_imported(self, modules: Iterable[str]) -> None:
        """Raise Shadowed where a process, or a child of it, would import other files than ours."""
        names = sorted(set(modules))
        found = subprocess.run(
            [sys.executable, "-c", _WHERE, "child", *names],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LOOK_SECONDS,
            check=True,
        ).stdout.splitlines()
        for name, origin in zip(names, found, strict=True):
            if not Path(origin).is_relative_to(self.home):
                raise Shadowed(f"{name} would be imported from {origin}, not from {self.home}")

    def _read(self, path: str) -> str:
        return (self.home / path).read_text(encoding="utf-8")

    def _write(self, files: Mapping[str, str]) -> None:
        for path, text in files.items():
            (self.home / path).write_text(text, encoding="utf-8")


def copied(home: Path) -> Tree:
    """Copy every file that is not ignored, and compile the code once.

    The bytecode carries a hash of its source, which is checked at each import:
    a mutated file is compiled anew, all others are not.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=GIT_SECONDS,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, home / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    mode = PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(home / "src", quiet=2, invalidation_mode=mode, workers=0)
    return Tree(home)
