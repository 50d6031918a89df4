"""The entries of `event_time`: where the time at which an event happened is looked for."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Tag

from streamgauge.config.network import HeaderName
from streamgauge.config.section import Section
from streamgauge.config.values import Pointer, StreamName


class HeaderTime(Section, title="event time"):
    """An entry of `event_time`, beside the word `record`: the timestamp of the record itself."""

    header: HeaderName
    """Header that holds the time: epoch s, ms, us or ns, or RFC 3339."""


class PointerTime(Section, title="event time"):
    """An entry of `event_time`, beside the word `record`: the timestamp of the record itself."""

    pointer: Pointer
    """Where the time stands in a value that is JSON, for example `/occurredAt`."""


class FirstSightingTime(Section, title="event time"):
    """An entry of `event_time`, beside the word `record`: the timestamp of the record itself."""

    first_sighting: StreamName
    """Stream that tells the time of the first record that it had of the same trace."""


def _which(entry: Any) -> str | None:  # noqa: ANN401 - whatever stands in the file
    """Which kind of entry it is, None if it is none."""
    if isinstance(entry, dict) and len(entry) == 1:
        return str(next(iter(entry)))
    if isinstance(entry, Section):
        return next(iter(type(entry).model_fields))
    return "record" if entry == "record" else None


EventTime = Annotated[
    Annotated[HeaderTime, Tag("header")]
    | Annotated[PointerTime, Tag("pointer")]
    | Annotated[FirstSightingTime, Tag("first_sighting")]
    | Annotated[Literal["record"], Tag("record")],
    Discriminator(_which),
]
"""One place where an event time is looked for."""
