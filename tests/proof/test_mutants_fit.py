"""Every mutant still fits the code: what it takes out stands there once, and its test is there."""

import ast
from functools import cache
from pathlib import Path

import pytest

from proof.mutants.catalogue import MUTANTS
from proof.mutants.mutant import Edit, Mutant, OutOfDate
from proof.mutants.tree import ROOT


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def functions_in(path: str) -> frozenset[str]:
    found = ast.walk(ast.parse(text_of(path)))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(each.name for each in found if isinstance(each, functions))


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_what_it_takes_out_is_there_and_what_is_left_is_code(mutant: Mutant) -> None:
    texts = {path: text_of(path) for path in mutant.paths}
    for edit in mutant.edits:
        texts[edit.path] = edit.applied_to(texts[edit.path])
    for path, text in texts.items():
        assert text != text_of(path)
        if Path(path).suffix == ".py":
            ast.parse(text)


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_the_test_that_must_notice_is_there(mutant: Mutant) -> None:
    path, *_, name = mutant.test.partition("[")[0].split("::")
    assert name in functions_in(path)
    assert mutant.red.pattern


def test_names_are_their_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_a_text_that_moved_or_was_doubled_is_told() -> None:
    edit = Edit("src/x.py", "guard()", "pass")
    for text in ("", "guard()\nguard()\n"):
        with pytest.raises(OutOfDate, match=r"src/x\.py has \d times"):
            edit.applied_to(text)
