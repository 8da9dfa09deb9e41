"""Runs named tests in the copy, and reads what came of them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from lxml import etree

from proof.mutants.mutant import Mutant, OutOfDate
from proof.mutants.tree import Tree

MUTANT_SECONDS_MAX: Final = 240.0
ALL_SECONDS_MAX: Final = 1800.0
SAID_CHARACTERS_MAX: Final = 4000
_TESTS_FAILED: Final = 1


class Fate(StrEnum):
    """What became of a mutant."""

    RED = "red"
    SURVIVED = "survived"
    OTHER_REASON = "red for another reason"
    HUNG = "hung"
    OUT_OF_DATE = "out of date"


@dataclass(frozen=True, slots=True)
class Result:
    """One mutant's fate; `said` is what the test said."""

    mutant: Mutant
    fate: Fate
    seconds: float
    said: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """What pytest ended with: its exit code (None: it was killed), and what failing tests said."""

    code: int | None
    failures: Sequence[str] = ()
    errors: Sequence[str] = ()
    skipped: Sequence[str] = ()
    output: str = ""

    @property
    def green(self) -> bool:
        """Whether every test ran and passed: one that was skipped proves nothing."""
        return self.code == 0 and not self.skipped


def try_out(mutant: Mutant, tree: Tree, servers: Mapping[str, str]) -> Result:
    """Take the defence out, run the test, and put it back."""
    began = time.monotonic()
    try:
        with tree.mutated(mutant):
            run = run_tests([mutant.test], tree, servers, seconds_max=MUTANT_SECONDS_MAX)
    except OutOfDate as error:
        return Result(mutant, Fate.OUT_OF_DATE, 0.0, str(error))
    fate, said = _judged(mutant, run)
    return Result(mutant, fate, time.monotonic() - began, said)


def _judged(mutant: Mutant, run: Run) -> tuple[Fate, str]:
    said = "\n".join(run.failures)
    if run.code is None:
        return Fate.HUNG, run.output
    if run.green:
        return Fate.SURVIVED, ""
    if run.code != _TESTS_FAILED or run.errors or not run.failures:
        return Fate.OTHER_REASON, "\n".join([*run.errors, run.output])
    return (Fate.RED if mutant.red.search(said) else Fate.OTHER_REASON), said


def run_tests(
    nodes: Sequence[str], tree: Tree, servers: Mapping[str, str], *, seconds_max: float
) -> Run:
    """Run the tests against the given servers, up to the first that fails."""
    report = tree.home / "report.xml"
    report.unlink(missing_ok=True)
    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "proof.mutants.haste",
                "-x",
                "-q",
                "--tb=short",
                "--hypothesis-seed=0",
            ),
            f"--junitxml={report}",
            *nodes,
        ],
        cwd=tree.home,
        env={**tree.environment, **servers},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds_max)
    except subprocess.TimeoutExpired:
        # With all that it started.
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return Run(None, output=output[-SAID_CHARACTERS_MAX:])
    found = _read(report)
    return Run(process.returncode, *found, output=output[-SAID_CHARACTERS_MAX:])


def _read(report: Path) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """What failures, errors and skips of the report say."""
    if not report.exists():
        return (), (), ()
    root = etree.parse(report).getroot()
    failures, errors, skipped = (
        [f"{each.get('message')}\n{each.text}" for each in root.iter(kind)]
        for kind in ("failure", "error", "skipped")
    )
    return failures, errors, skipped
