"""What py-spy says is read as the processes' own trees, and drawn."""

from bench.flames.picture import draw
from bench.flames.stacks import read_stacks

BENCH = 'process 1:"python -m bench place --quick"'
ORDERS = f'{BENCH};main (bench/__main__.py);process 2:"python -m spojka serve orders"'
COLLAPSED = f"""\
{BENCH};main (bench/__main__.py);drain (bench/rows/relay.py) 7
{ORDERS};run (asyncio/runners.py);place (src/orders/placing.py);insert (src/orders/storage.py) 30
{ORDERS};run (asyncio/runners.py);place (src/orders/placing.py) 10
{ORDERS};run (asyncio/runners.py) 5
{ORDERS};_find_and_load (<frozen importlib._bootstrap>);place (src/orders/placing.py) 99
{BENCH};process 3:"python -m bench.bare_hops edge 1 2";forward (bench/bare_hops.py) 50
"""


def test_services_are_shown_without_the_bench_imports_and_scaffold() -> None:
    root = read_stacks(COLLAPSED)
    assert root.called.keys() == {"orders"}
    orders = root.called["orders"]
    assert (root.samples, orders.samples) == (45, 45)
    place = orders.called["place (orders/placing.py)"]
    assert place.samples == 40
    assert place.called["insert (orders/storage.py)"].samples == 30
    assert orders.called["the event loop"].samples == 5


def test_a_row_without_services_shows_the_bench() -> None:
    root = read_stacks(COLLAPSED.splitlines()[0])
    assert root.called["-m bench"].called["drain (bench/rows/relay.py)"].samples == 7


def test_the_picture_leaves_out_what_is_too_narrow_to_see() -> None:
    root = read_stacks(f"{ORDERS};seen (a.py) 9990\n{ORDERS};unseen (b.py) 9\n")
    picture = draw(root, "place")
    assert "seen (a.py): 99.9%" in picture
    assert "unseen" not in picture.replace("seen (a.py)", "")
    assert picture == draw(
        read_stacks(f"{ORDERS};seen (a.py) 9990\n{ORDERS};unseen (b.py) 9\n"), "place"
    )
