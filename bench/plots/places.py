"""Where pictures and their figures are kept."""

from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
PAGE: Final = _ROOT / "docs" / "performance.md"
PICTURES: Final = _ROOT / "docs" / "pictures"
QUICK_PICTURES: Final = _ROOT / "build" / "pictures"
"""Of smaller amounts, for a first look; not kept with the project."""
