"""The `checks` of a stream: what is demanded of its measures, where it differs from the default."""

from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from streamgauge.config.durations import Duration
from streamgauge.config.section import Section
from streamgauge.config.values import Flag, amount

_MOST = 10**15


class Limit(Section):
    """A bound on what is measured; what is not set is as in the check's default."""

    for_ms: Duration | None = None
    """How long the bound must be breached before it counts."""


class AgeLimit(Limit, title="limit on an age"):
    """A bound on an age."""

    above_ms: Duration | None = None
    """Breached by an age above this; a number alone is seconds."""
    below: ClassVar[None] = None

    @property
    def above(self) -> float | None:
        """The bound in seconds, the unit that ages are measured in."""
        return None if self.above_ms is None else self.above_ms / 1000


class CountLimit(Limit, title="limit on records"):
    """A bound on a number of records."""

    above: Annotated[float, amount(_MOST)] | None = None
    """Breached by more records than this."""
    below: ClassVar[None] = None


class RateLimit(Limit, title="limit on a rate"):
    """A bound on records per second."""

    above: ClassVar[None] = None
    below: Annotated[float, amount(_MOST)]
    """Breached by fewer records per second than this."""


class LaterLimit(Limit, title="limit of a later release"):
    """A bound on what a later release measures."""

    above: Annotated[float, amount(_MOST)] | None = None
    """Breached by more than this."""
    below: Annotated[float, amount(_MOST)] | None = None
    """Breached by less than this."""


LimitT = TypeVar("LimitT", bound=Limit)


class Check(Section, Generic[LimitT], title="one check"):
    """What one check demands. What is not set here is as in the check's default."""

    warn: LimitT | None = None
    """Breached: the check warns."""
    fail: LimitT | None = None
    """Breached: the check fails."""
    keep_failing_for_ms: Duration | None = None
    """How long a level is kept after the last breach of its limit."""
    on_no_data: Literal["pass", "unknown", "warn", "fail"] | None = None
    """What is said when there was nothing to measure; a gauge that is blind says unknown."""
    enabled: Flag = True
    """Whether the check is made."""


class Checks(Section, title="streams.<name>.checks"):
    """The rules that a stream is judged by. What is not set is as in the check's default."""

    fresh: Check[AgeLimit] | None = None
    """How long the stream has been silent."""
    arrival_age: Check[AgeLimit] | None = None
    """How old events are on arrival: the 99th percentile of the last window."""
    lag: Check[CountLimit] | None = None
    """Records that each watched consumer group has still to read."""
    throughput: Check[RateLimit] | None = None
    """Records per second of the last window; it demands nothing unless a limit is set."""
    no_dead_letters: Check[CountLimit] | None = None
    """Dead letters that arrived within one window length."""
    processed_age: Check[AgeLimit] | None = None
    """How old events are when a group has processed them. Of a later release."""
    time_lag: Check[AgeLimit] | None = None
    """Age of the first record that a group has still to read. Of a later release."""
    group_status: Check[LaterLimit] | None = None
    """What a consumer group is doing. Of a later release."""
    forecast: Check[LaterLimit] | None = None
    """When retention deletes what a group has not read. Of a later release."""
    data_loss: Check[LaterLimit] | None = None
    """Records that were deleted before a group read them. Of a later release."""


LATER_CHECKS = ("processed_age", "time_lag", "group_status", "forecast", "data_loss")
"""Checks that are accepted although this release does not make them."""
