"""From a partition's state to the text of a commit's metadata, and back or not at all.

The state's sections (`sections/table.py`) are put into a frame (`frame.py`), and that into
characters (`text.py`). There is one format for both kinds of partition; `validity.py` sees to it
that a state is of one kind: of a stream's topic (arrival ages, groups) or of a dead letter topic
(causes with their groups, deaths).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamgauge.core.state.detail import LADDER, LeftOut
from streamgauge.core.state.errors import (
    StateDamagedError,
    StateTooLargeError,
    StateTooNewError,
)
from streamgauge.core.state.frame import Framed, framed, unframed
from streamgauge.core.state.limits import TEXT_UNITS
from streamgauge.core.state.sections.table import (
    FORMAT_VERSION,
    OLDEST_READER,
    read_body,
    write_body,
)

if TYPE_CHECKING:
    from streamgauge.core.state.partition_state import PartitionState


@dataclass(frozen=True, slots=True)
class Encoded:
    """A state as text."""

    text: str
    """At most 4,096 UTF-16 units."""
    left_out: LeftOut
    """Detail for which there was no room; what counts is always all there."""


def encode(state: PartitionState) -> Encoded:
    """The text of a state.

    Raises:
        StateTooLargeError: if the counts alone do not fit, which takes a histogram of more than
            `limits.GUARANTEED_AGES` ages or newer parts of more than `limits.RESERVED_BYTES`.
    """
    version, reader = FORMAT_VERSION, OLDEST_READER
    if state.newer:
        version, reader = state.newer.format_version, state.newer.reader
    for detail in LADDER:
        text = framed(Framed(version, reader, write_body(state, detail)))
        if text is not None:
            return Encoded(text, detail.left_out(state))
    raise StateTooLargeError(
        f"the counts of this partition do not fit {TEXT_UNITS} characters: begin a new life"
    )


def decode(text: str, offset: int) -> PartitionState:
    """The state that stands at an offset.

    Args:
        text: the metadata of the commit.
        offset: the offset of the same commit.

    Raises:
        NotOurStateError: if there is no text, or something else wrote it.
        StateTooNewError: if it takes a newer version to go on from it.
        StateDamagedError: if it is not whole, or was written for another offset.
    """
    content = unframed(text)
    if content.reader > FORMAT_VERSION:
        raise StateTooNewError(
            f"the state has format {content.format_version} and takes a reader of format "
            f"{content.reader}; this one reads format {FORMAT_VERSION}: update streamgauge"
        )
    state = read_body(content)
    if state.position != offset:
        raise StateDamagedError(
            f"the state was written for offset {state.position} and stands at offset {offset}: "
            "somebody else has moved the commit"
        )
    return state
