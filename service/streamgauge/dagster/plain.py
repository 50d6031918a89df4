"""Values that JSON has, any store behind Dagster can hold and any browser can show."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np

from streamgauge.core.wording import moment

TEXT_MAX: Final = 1_000
"""Characters of one text."""


def bounded(text: str, limit: int = TEXT_MAX) -> str:
    """The text without NUL (which PostgreSQL refuses) and lone surrogates, cut to the limit."""
    clean = text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def instant(at_ms: int) -> str:
    """A time to the millisecond, as `2026-01-31T12:34:56.789Z`; `?` outside the calendar."""
    seconds = moment(at_ms)
    return seconds if seconds == "?" else f"{seconds[:-1]}.{at_ms % 1000:03d}Z"


def instant_ms(text: str) -> int:
    """What `instant` has written, in milliseconds since the epoch.

    Raises:
        ValueError: it is no time.
    """
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever a payload holds
    """The value with bounded texts; objects leave out what is unknown (None, NaN, infinity)."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return bounded(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        inner = {bounded(key): plain(item) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item is not None}
    return [plain(item) for item in value] if isinstance(value, Sequence) else value


def as_json(value: Any) -> bytes:  # noqa: ANN401 - whatever a payload holds
    """The bytes of the value on the wire.

    Raises:
        ValueError: if it was not made plain and holds NaN or infinity.
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
