"""A flame graph as a still SVG: no script, small enough to be kept."""

from collections.abc import Iterator
from colorsys import hls_to_rgb
from typing import Final
from xml.sax.saxutils import escape
from zlib import crc32

from bench.flames.stacks import Frame

WIDTH: Final = 1200
ROW: Final = 16
TITLE: Final = 34
SHARE_MIN: Final = 0.003
"""Of all samples, what a frame must have to be drawn."""
CHARACTER: Final = 6.4
"""Width of one of the text's characters, about."""


def draw(root: Frame, title: str) -> str:
    """The graph, callers above what they call; its width is processor time."""
    rows = _depth(root, root.samples * SHARE_MIN)
    height = TITLE + rows * ROW + 8
    body = "\n".join(_boxes(root, 0.0, 0, WIDTH / max(root.samples, 1), root.samples))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" font-family="monospace" font-size="10.5">\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="4" y="20" font-size="14">{escape(title)}</text>\n{body}\n</svg>\n'
    )


def _boxes(frame: Frame, x: float, row: int, scale: float, all_samples: int) -> Iterator[str]:
    width = frame.samples * scale
    y = TITLE + row * ROW
    share = frame.samples / all_samples
    fits = int(width / CHARACTER) - 1
    told = frame.name if len(frame.name) <= fits else frame.name[: max(fits - 1, 0)]
    label = f'<text x="{x + 3:.0f}" y="{y + 11}">{escape(told)}</text>' if fits > 3 else ""
    yield (
        f"<g><title>{escape(frame.name)}: {share:.1%}</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}"'
        f' fill="{_colour(frame.name)}"/>{label}</g>'
    )
    for called in sorted(frame.called.values(), key=lambda each: -each.samples):
        if called.samples >= all_samples * SHARE_MIN:
            yield from _boxes(called, x, row + 1, scale, all_samples)
        x += called.samples * scale


def _depth(frame: Frame, least: float) -> int:
    below = (_depth(each, least) for each in frame.called.values() if each.samples >= least)
    return 1 + max(below, default=0)


def _colour(name: str) -> str:
    """One colour a file, so that the same code looks the same in every picture."""
    seed = crc32(name.rpartition("(")[2].encode())
    hue = 20 + seed % 40 if any(part in name for part in _OWN) else 190 + seed % 40
    saturation, lightness = 55 + seed // 64 % 20, 72 + seed // 4096 % 10
    parts = hls_to_rgb(hue / 360, lightness / 100, saturation / 100)
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


_OWN: Final = ("spojka/", "orders/", "payments/", "stock/", "mail_ingest/", "gateway/", "bench/")
