"""``python -m sandbox.pohoda --port 8444 --seed-items 500``."""

import argparse
import os
from pathlib import Path

from sandbox.pohoda.seed import Seed
from sandbox.pohoda.server import serve

REFERENCE_DIR_VARIABLE = "SPOJKA_REFERENCE_DIR"


def main() -> None:
    """Read the arguments and serve until the process is told to end."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.pohoda", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8444)
    parser.add_argument("--state", type=Path, help="keep the company in this file over restarts")
    parser.add_argument("--documents", type=Path, help="the company's folder of documents")
    parser.add_argument("--seed-items", type=int, default=0, help="items in an empty company")
    parser.add_argument("--seed", type=int, default=1, help="the seed of their random values")
    parser.add_argument("--store", action="append", help="a store of the seed; repeatable")
    arguments = parser.parse_args()
    reference = os.environ.get(REFERENCE_DIR_VARIABLE)
    stores = tuple(arguments.store or Seed().stores)
    serve(
        arguments.host,
        arguments.port,
        arguments.state,
        reference_dir=Path(reference) if reference else None,
        documents_dir=arguments.documents,
        seed=Seed(arguments.seed_items, stores, arguments.seed) if arguments.seed_items else None,
    )


if __name__ == "__main__":
    main()
