"""A Pohoda answer of 100,000 cards, read into normalised cards.

Measured: `inspect_stock` of the connector on a file in Windows-1250 (charset
found, all levels of the answer checked, every card's fields read, quantities
as decimals, what can't be read set apart). Cards carry the elements that real
exports have, most of which are skipped.

Ceiling: lxml's iterparse over the same file, stopping at cards only and
clearing each: nothing is read out. Memory: a process of its own, what its
peak is over what it had with everything imported and nothing read.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, cast

from lxml import etree

from bench.goods import catalogue
from bench.measure import alternate
from bench.result import Result, absolute, rate_against
from bench.stage import Stage
from stock.warehouses.pohoda import POHODA
from stock.warehouses.pohoda.names import NAMESPACES, tag
from stock.warehouses.port import Card

CARDS: Final = 100_000
QUICK_CARDS: Final = 20_000
ROUNDS: Final = 3
_STOCK: Final = tag("lStk:stock")
_PREFIXES: Final = " ".join(f'xmlns:{name}="{url}"' for name, url in NAMESPACES.items())
_BEGIN: Final = (
    '<?xml version="1.0" encoding="Windows-1250"?>\n'
    f'<rsp:responsePack version="2.0" id="1" state="ok" {_PREFIXES}>'
    '<rsp:responsePackItem version="2.0" id="s0" state="ok">'
    '<lStk:listStock version="2.0" dateTimeStamp="2026-11-20T10:00:00" state="ok">'
)
_END: Final = "</lStk:listStock></rsp:responsePackItem></rsp:responsePack>"


async def parse(stage: Stage) -> list[Result]:
    """Both readers on one file, in turns; then the memory."""
    count = QUICK_CARDS if stage.quick else CARDS
    with tempfile.TemporaryDirectory(prefix="spojka-bench-") as folder:
        path = Path(folder) / "answer.xml"
        _write(path, count)

        async def ours() -> float:
            start = time.perf_counter()
            assert _read(path) == count
            return count / (time.perf_counter() - start)

        async def ceiling() -> float:
            start = time.perf_counter()
            assert _pass_over(path) == count
            return count / (time.perf_counter() - start)

        pair = await alternate(ours, ceiling, ROUNDS)
        megabytes = await _memory_megabytes(path)
    size = f"Pohoda answer of {count:,} cards"
    results = [rate_against(f"{size} read", "cards/s", pair.figure, pair.limit, at_least=0.4)]
    if megabytes is not None:
        results.append(absolute(f"{size} read, memory over idle", megabytes, "MB", below=100))
    return results


def _read(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(1 for _card in POHODA.inspect_stock(stream))


def _pass_over(path: Path) -> int:
    count = 0
    for _event, ended in etree.iterparse(str(path), events=("end",), tag=_STOCK):
        element = cast("etree._Element", ended)  # noqa: SLF001 - lxml's only name for it
        count += 1
        element.clear()
        parent = element.getparent()
        while parent is not None and element.getprevious() is not None:
            del parent[0]
    return count


async def _memory_megabytes(path: Path) -> float | None:
    if sys.platform != "linux":  # where a process can't ask for its peak since it began
        return None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, str(path), stdout=asyncio.subprocess.PIPE
    )
    output, _errors = await process.communicate()
    assert process.returncode == 0
    return float(output)


def _memory(kind: str) -> float:
    """The resident memory of this process in megabytes: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def _write(path: Path, count: int) -> None:
    with path.open("w", encoding="windows-1250") as file:
        file.write(_BEGIN)
        file.writelines(map(_stock, catalogue(count)))
        file.write(_END)


def _stock(card: Card) -> str:
    return (
        '<lStk:stock version="2.0"><stk:stockHeader>'
        f"<stk:id>{card.card_id}</stk:id><stk:stockType>card</stk:stockType>"
        f"<stk:code>{card.product_number}</stk:code><stk:EAN>{card.ean}</stk:EAN>"
        "<stk:PLU>0</stk:PLU><stk:isSales>true</stk:isSales><stk:isInternet>true</stk:isInternet>"
        '<stk:purchasingRateVAT value="21">high</stk:purchasingRateVAT>'
        '<stk:sellingRateVAT value="21">high</stk:sellingRateVAT>'
        f"<stk:name>{card.name}</stk:name><stk:unit>{card.unit}</stk:unit>"
        f"<stk:storage><typ:id>1</typ:id><typ:ids>{card.warehouse}/Nářadí</typ:ids></stk:storage>"
        "<stk:typePrice><typ:id>1</typ:id><typ:ids>SK</typ:ids></stk:typePrice>"
        "<stk:weightedPurchasePrice>95.7</stk:weightedPurchasePrice>"
        '<stk:sellingPrice payVAT="false">199.9</stk:sellingPrice>'
        f"<stk:count>{card.on_hand}.0</stk:count>"
        f"<stk:countReceivedOrders>{card.ordered}.0</stk:countReceivedOrders>"
        f"<stk:reservation>{card.reserved}.0</stk:reservation>"
        "<stk:reclamation>0.0</stk:reclamation><stk:service>0.0</stk:service>"
        "<stk:orderQuantity>0.0</stk:orderQuantity>"
        "<stk:countIssuedOrders>0.0</stk:countIssuedOrders>"
        "<stk:markRecord>true</stk:markRecord>"
        "</stk:stockHeader></lStk:stock>\n"
    )


if __name__ == "__main__":
    idle = _memory("VmRSS")
    _read(Path(sys.argv[1]))
    print(_memory("VmHWM") - idle)
