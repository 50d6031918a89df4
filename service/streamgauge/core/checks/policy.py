"""A check's policy (what is demanded, frozen) and the measure that it is held against."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from streamgauge.model import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamgauge.core.snapshot import Snapshot
    from streamgauge.model import Blind


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound on a measured value; at least one of `above` and `below` is given."""

    above: float | None = None
    """Breached by a value greater than this."""
    below: float | None = None
    """Breached by a value less than this."""
    for_ms: int = 0
    """How long the breach must last before it counts."""

    def breached_by(self, value: float, *, blind: bool) -> float | None:
        """The bound that the value breaches, None if it breaches none.

        While the gauge is partly blind nothing is below: what was not seen may be what is missing.
        """
        if self.above is not None and value > self.above:
            return self.above
        if self.below is not None and value < self.below and not blind:
            return self.below
        return None


@dataclass(frozen=True, slots=True)
class Policy:
    """What a check demands."""

    warn: Limit | None = None
    fail: Limit | None = None
    keep_failing_for_ms: int = 0
    """How long a level is kept after the last breach of its limit."""
    on_no_data: Level = Level.UNKNOWN
    """What is said when nothing was there to measure (not when the gauge was blind)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one evaluation measured.

    A value may be there although the gauge is partly blind: then it can be above a limit, but it
    cannot pass. Without a value, `blind` tells the unknown from "nothing was there to measure".
    """

    text: str
    """What is so, as the beginning of a sentence: "the lag of fulfillment is 12 records"."""
    value: float | None = None
    blind: Blind | None = None


class Judges(Enum):
    """What of a stream a check judges, each with a verdict of its own."""

    TOPIC = "topic"
    GROUPS = "groups"
    DEAD_LETTER_TOPICS = "dead_letter_topics"


@dataclass(frozen=True, slots=True)
class Subject:
    """What one verdict is about, and the Dagster asset that it stands on."""

    asset_key: tuple[str, ...]
    name: str
    """Of the topic or the consumer group, or the pattern of groups."""


@dataclass(frozen=True, slots=True)
class Check:
    """A named rule: what it measures, in which unit, and what it demands if nobody says."""

    name: str
    judges: Judges
    unit: str
    description: str
    default: Policy
    measure: Callable[[Snapshot, Subject], Measure]


def check_name(check: str, group: str | None) -> str:
    """The stable name under which a check is told: `<measure>` or `<measure>__<group>`."""
    return check if group is None else f"{check}__{re.sub(r'[^A-Za-z0-9_]', '_', group)}"


def blind_about(snapshot: Snapshot, what: str) -> Blind | None:
    """What the gauge cannot vouch for about `what`, None if it sees."""
    return next((blind for blind in snapshot.blind if blind.what == what), None)
