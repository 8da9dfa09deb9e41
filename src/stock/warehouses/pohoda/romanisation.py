"""Letters that Windows-1250 lacks and Unicode doesn't take apart, with the closest it has.

Cyrillic follows what carriers print on labels (close to ISO 9 without marks, as in
passports), Greek ISO 843 without marks.
"""

from typing import Final

_LATIN: Final = {
    "æ": "ae", "œ": "oe", "ø": "o", "ħ": "h", "þ": "th", "ð": "d", "ŋ": "n", "ı": "i",
    "ĸ": "k", "ſ": "s", "ŧ": "t", "ƒ": "f", "ɓ": "b", "ɖ": "d", "ɗ": "d", "ə": "e", "ɛ": "e",
    "ɔ": "o", "ƙ": "k", "ƚ": "l", "ɨ": "i", "ʉ": "u", "ƶ": "z", "ǝ": "e", "ẞ": "ß",
    # Romanian letters with a comma below: the code page has those with a cedilla.
    "ș": "ş", "ț": "ţ",
}  # fmt: skip
_CYRILLIC: Final = {
    "а": "a", "б": "b", "в": "v", "г": "g", "ґ": "g", "д": "d", "е": "e", "ё": "jo",
    "є": "je", "ж": "ž", "з": "z", "и": "i", "і": "i", "ї": "ji", "й": "j", "к": "k",
    "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t",
    "у": "u", "ў": "u", "ф": "f", "х": "ch", "ц": "c", "ч": "č", "ш": "š", "щ": "šč",
    "ъ": "", "ы": "y", "ь": "", "э": "e", "ю": "ju", "я": "ja", "ђ": "đ", "ј": "j",
    "љ": "lj", "њ": "nj", "ћ": "ć", "џ": "dž", "ѓ": "g", "ќ": "k", "ѕ": "dz",
}  # fmt: skip
_GREEK: Final = {
    "α": "a", "β": "v", "γ": "g", "δ": "d", "ε": "e", "ζ": "z", "η": "i", "θ": "th",
    "ι": "i", "κ": "k", "λ": "l", "μ": "m", "ν": "n", "ξ": "x", "ο": "o", "π": "p",
    "ρ": "r", "σ": "s", "ς": "s", "τ": "t", "υ": "y", "φ": "f", "χ": "ch", "ψ": "ps",
    "ω": "o",
}  # fmt: skip
_SIGNS: Final = {
    "‐": "-", "‑": "-", "‒": "-", "―": "—", "−": "-", "⁄": "/", "∕": "/", "′": "'", "″": '"',
    "‛": "'", "‟": '"', "ʼ": "'", "ʹ": "'", "`": "'", "¿": "?", "¡": "!", "¥": "JPY",
    "£": "GBP", "¢": "c", "₴": "UAH", "₽": "RUB", "ª": "a", "º": "o", "≤": "<=", "≥": ">=",
    "≠": "!=", "≈": "~", "∅": "O", "⌀": "O", "µ": "u", "\u2028": "\n", "\u2029": "\n",
    "\u0085": "\n",
}  # fmt: skip


def _with_capitals(letters: dict[str, str]) -> dict[str, str]:
    """Add capital letters; a digraph takes one capital, as at the start of a name."""
    capitals = {
        sign.upper(): close[:1].upper() + close[1:]
        for sign, close in letters.items()
        if len(sign.upper()) == 1 and sign.upper() != sign and close != "ß"
    }
    return capitals | letters


REPLACEMENTS: Final = {
    **_with_capitals(_LATIN),
    **_with_capitals(_CYRILLIC),
    **_with_capitals(_GREEK),
    **_SIGNS,
}
