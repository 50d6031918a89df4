"""What is said of a name that nothing has."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from streamgauge.config.errors import shown

if TYPE_CHECKING:
    from collections.abc import Iterable


def unknown_name(name: str, things: str, known: Iterable[str]) -> str:
    """A sentence with the nearest name that there is, or all of them.

    Args:
        name: that was given.
        things: what it names, such as `stream`.
        known: the names that there are.
    """
    names = list(dict.fromkeys(known))
    found = get_close_matches(name, names, n=1)
    hint = f"did you mean {found[0]}?" if found else f"there are {', '.join(names) or 'none'}"
    return f"no {things} is named {shown(name)}; {hint}"
