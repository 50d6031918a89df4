"""Poison or outage, as one dead letter by itself shows it: by its classes and its stage.

1. The innermost class that is named says that something could not be reached: outage. A schema
   registry that is away makes a record unreadable that is not.
2. A class says that the record could not be read, or the stage is one where it is: poison.
3. Else unknown.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from streamgauge.core.dead_letters.dead_letter import Kind

POISON_CLASSES: Final = frozenset(
    {
        "DeserializationException",
        "RecordDeserializationException",
        "SerializationException",
    }
)
"""Without their packages."""
POISON_STAGES: Final = frozenset(
    {"KEY_CONVERTER", "VALUE_CONVERTER", "HEADER_CONVERTER", "TRANSFORMATION"}
)
"""Of Kafka Connect."""

_away = re.compile(r"Timeout|TimedOut|Connect(?!or)|Disconnect|Unavailable|Transient").search
_CONNECT_ERRORS: Final = "org.apache.kafka.connect."
"""The project is called Connect; its classes say nothing of connections."""


@lru_cache(maxsize=256)  # a program throws few classes
def kind_of(classes: tuple[str, ...], stage: str | None) -> Kind:
    """Judge classes from the thrown one inwards, with their packages."""
    if classes and not classes[-1].startswith(_CONNECT_ERRORS) and _away(_simple(classes[-1])):
        return Kind.OUTAGE
    if stage in POISON_STAGES or any(_simple(name) in POISON_CLASSES for name in classes):
        return Kind.POISON
    return Kind.UNKNOWN


def _simple(name: str) -> str:
    return name.rpartition(".")[2]
