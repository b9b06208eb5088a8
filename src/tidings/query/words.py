"""What a word is, and when two texts are the same but for letter case.

The full-text index, the SQL evaluator and the predicate all call these functions, so they can't disagree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# The only two characters beyond ASCII whose lower case holds an ASCII letter (``k`` and ``i``). SQLite's LIKE and NOCASE fold
# ASCII alone, so a folding that lets these two become ASCII would find what SQL can't; they become letters that stay as they are.
# The lower case of the Greek capital sigma depends on its neighbours, which no index could follow, so all three forms are one.
_STAY_APART = {0x212A: 0x0138, 0x0130: 0x0131, 0x03A3: 0x03C3, 0x03C2: 0x03C3}

_ASCII_WORD = re.compile(r"[0-9a-z]+")
# Hiragana, Katakana and ideographs stand without spaces between words, so each is a word; Hangul is written with spaces.
_CJK = (
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U0001aff0-\U0001afff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"(?![\W_])[{_CJK}]|[^\W_{_CJK}]+")


def fold(text: str) -> str:
    """Return *text* without letter case; a character beyond ASCII never becomes an ASCII one."""
    if text.isascii():
        return text.lower()
    return text.translate(_STAY_APART).lower()


def tokens(text: str) -> list[str]:
    """Return the words of *text* in their order, folded: runs of letters and digits, and each CJK character by itself."""
    folded = fold(text)
    return (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)


def indexable(text: str) -> str:
    """Return a text that FTS5's ``ascii`` tokenizer splits into exactly the words of *text*.

    That tokenizer takes every character beyond ASCII for a letter, so only such texts need their words set apart.
    """
    return text if text.isascii() else " ".join(tokens(text))


def has_words(value: str, words: Sequence[str], prefix: bool) -> bool:
    """Whether the tokens *words* stand next to each other in *value*; with *prefix* the last only has to begin so.

    No words are nowhere.
    """
    if not words:
        return False
    folded = fold(value)
    if words[0] not in folded:  # far cheaper than splitting, and most values have nothing of what is looked for
        return False
    found = (_ASCII_WORD if folded.isascii() else _WORD).findall(folded)
    *whole, last = words
    for end in range(len(whole), len(found)):
        if (found[end] == last or (prefix and found[end].startswith(last))) and found[end - len(whole) : end] == whole:
            return True
    return False


def fts_match(words: Sequence[str], prefix: bool) -> str:
    """Return the FTS5 expression for documents that hold all of the tokens *words*, in any order.

    An index without positions can't tell neighbours, so `has_words` decides among what this finds. No words find
    nothing.
    """
    if not words:
        return '""'
    quoted = [f'"{word}"' for word in words]
    if prefix:
        quoted[-1] += " *"
    return " AND ".join(quoted)
