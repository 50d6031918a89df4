"""Text as Markdown that shows it as it is, for whoever shows Markdown where a reason stands."""

from __future__ import annotations

import re
from typing import Final

_MARKUP: Final = re.compile(r"[\\`*_\[\]<>#|~!&]")


def as_markdown(text: str) -> str:
    """The text with its markup escaped: names hold `_` and `*`, errors whatever."""
    return _MARKUP.sub(r"\\\g<0>", text)
