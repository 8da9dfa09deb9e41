"""Takes out one defence after another, and shows that a named test notices each."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from proof.mutants.catalogue import MUTANTS
from proof.mutants.mutant import Mutant
from proof.mutants.report import line, markdown
from proof.mutants.servers import servers
from proof.mutants.tree import Tree, copied
from proof.mutants.trial import ALL_SECONDS_MAX, Fate, Result, run_tests, try_out


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m proof.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants to try; all without")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as Markdown")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {mutant.name for mutant in MUTANTS}
    if unknown:
        parser.error(f"unknown mutants: {', '.join(sorted(unknown))}; --list names them all")
    return arguments


def main() -> int:
    """Try the mutants and print a line for each; 1 where one is not noticed for its reason."""
    arguments = _arguments()
    if arguments.list:
        print("\n".join(f"{mutant.name}: {mutant.takes_out}" for mutant in MUTANTS))
        return 0
    chosen = [each for each in MUTANTS if not arguments.names or each.name in arguments.names]
    with tempfile.TemporaryDirectory(prefix="spojka-mutants-") as folder:
        home = Path(folder)
        # Tests may start PostgreSQL as another user, who reads nothing here but may pass.
        home.chmod(0o755)
        results = _tried(chosen, copied(home.resolve()))
    if arguments.write:
        arguments.write.write_text(markdown(results), encoding="utf-8")
    missed = [result for result in results if result.fate is not Fate.RED]
    print(f"{len(results) - len(missed)} of {len(chosen)} mutants turn their test red")
    return int(bool(missed) or len(results) < len(chosen))


def _tried(chosen: Sequence[Mutant], tree: Tree) -> list[Result]:
    tree.require_imported(
        module for mutant in chosen for edit in mutant.edits if (module := edit.module)
    )
    with servers() as running:
        named = list(dict.fromkeys(mutant.test for mutant in chosen))
        untouched = run_tests(named, tree, running, seconds_max=ALL_SECONDS_MAX)
        if not untouched.green:
            print(f"not green without any mutant, so nothing is proven:\n{untouched.output}")
            return []
        print(f"{len(named)} tests are green without a mutant", flush=True)
        results = []
        for mutant in chosen:
            result = try_out(mutant, tree, running)
            print(line(result), flush=True)
            if result.fate is not Fate.RED:
                print(result.said, flush=True)
            results.append(result)
        return results


if __name__ == "__main__":
    sys.exit(main())
