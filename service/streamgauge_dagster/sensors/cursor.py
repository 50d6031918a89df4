"""What a sensor remembers between ticks, as the text that Dagster keeps for it."""

from __future__ import annotations

import json
from typing import Any


class CursorError(ValueError):
    """The cursor was not written by this sensor; says what to do."""


def read_cursor(text: str | None, form: int) -> dict[str, Any]:
    """What was remembered; empty before the first tick, and where it is of another form.

    Raises:
        CursorError: somebody else has set the cursor.
    """
    if not text:
        return {}
    try:
        remembered = json.loads(text)
        return remembered if remembered["form"] == form else {}
    except (ValueError, TypeError, KeyError) as error:
        raise CursorError(
            "the cursor of this sensor is not one that it has written: reset it in the sensor's "
            "page, and the sensor begins anew"
        ) from error


def write_cursor(form: int, **remembered: Any) -> str:  # noqa: ANN401 - whatever JSON has
    """The text to keep."""
    return json.dumps({"form": form, **remembered}, separators=(",", ":"))
