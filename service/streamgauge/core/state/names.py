"""The names of what is counted, in the order in which texts hold them: new names go to the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from streamgauge.core.state.limits import CLASS_NAME_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COUNTERS: Final = (
    "records",
    "bytes",
    "unaged",
    "negative",
    "traced",
    "sampled",
    "dead_letters",
    "undecodable",
    "lost",
)
"""Fields of `PartitionState`, and of `Totals`, that are one count each; complete for ever."""

OTHER: Final = "other"
"""Counts together what has no name here."""

EVENT_TIME_NAMES: Final = (OTHER, "none", "header", "pointer", "first_sighting", "record")
REJECTION_NAMES: Final = (
    OTHER,
    "traceparent_length",
    "traceparent_version",
    "traceparent_format",
    "traceparent_zero_id",
    "tracestate_size",
    "tracestate_members",
    "tracestate_format",
    "b3_format",
    "b3_zero_id",
    "b3_sampled",
    "b3_incomplete",
    "datadog_format",
    "datadog_zero_id",
    "datadog_tid",
    "datadog_priority",
    "datadog_incomplete",
)
NAMED_COUNTS: Final = {
    "event_times": EVENT_TIME_NAMES,
    "unreadable_event_times": EVENT_TIME_NAMES,
    "rejected_contexts": REJECTION_NAMES,
}
"""Fields that count by name, with their names; the position of a name is its code."""

CODES: Final = 64
"""No table of names, of whatever version, has more."""

_newer: Final = re.compile(r"#([1-9][0-9]?)").fullmatch


def code_of(name: str, names: Sequence[str]) -> int | None:
    """The code of a name; None without one. `#40` is the name of code 40 in a newer version."""
    if name in names:
        return names.index(name)
    newer = _newer(name)
    code = int(newer[1]) if newer else 0
    return code if len(names) <= code < CODES else None


def name_of(code: int, names: Sequence[str]) -> str:
    """The name of a code."""
    return names[code] if code < len(names) else f"#{code}"


def bounded(counts: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """The same counts, with all that have no code under `other`; what counts nothing is left out.

    Args:
        counts: by any name.
        names: those with a code.
    """
    table: dict[str, int] = {}
    for name, count in counts.items():
        if count:
            known = name if code_of(name, names) is not None else OTHER
            table[known] = table.get(known, 0) + count
    return table


def class_name_end(class_name: str, size: int = CLASS_NAME_BYTES) -> str:
    """The end of a class name, which tells most, in at most so many bytes of UTF-8."""
    written = class_name.encode("utf-8", "replace")
    return written[max(0, len(written) - size) :].decode("utf-8", "ignore")
