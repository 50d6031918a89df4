"""The `checks` of a stream: what is demanded of its measures, where it differs from the default."""

import re
from typing import Annotated, ClassVar, Generic, Literal, TypeVar

from streamgauge.config.document import scalar
from streamgauge.config.durations import Duration
from streamgauge.config.errors import shown
from streamgauge.config.section import Section
from streamgauge.config.values import Flag, amount
from streamgauge.config.written import EnvironmentText, Written, WrittenError, kind
from streamgauge.core.checks.group_status import SEVERITIES

_MOST = 10**15
_PERCENT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,9})?%")


def _status() -> Written:
    """A status that can be exceeded; the value is its severity."""
    names = [status.value for status in SEVERITIES[:-1]]

    def read(value: object) -> int:
        if value not in names:
            raise WrittenError(f"must be one of {', '.join(names)}, not {shown(value)}")
        return names.index(str(value))

    return Written(read, {"enum": names}, lambda severity: names[severity])


def _share() -> Written:
    """A share of the whole; the value is in percent."""

    def read(value: object) -> float:
        if isinstance(value, str) and _PERCENT.fullmatch(value):
            return float(value[:-1])
        number = scalar(value) if isinstance(value, EnvironmentText) else value
        if isinstance(number, bool) or not isinstance(number, int | float):
            said = shown(value) if isinstance(value, str) else kind(value)
            raise WrittenError(f"must be a share such as 1% or 0.01, not {said}")
        if not 0 <= number <= 1:
            told = f"is no share: write 0 to 1, or percent with its sign such as {number:g}%"
            raise WrittenError(f"{shown(value)} {told}")
        return 100.0 * number

    title = "share such as 1% or 0.01"
    bounds = {"pattern": f"^{_PERCENT.pattern}$", "minimum": 0, "maximum": 1}
    return Written(
        read,
        {"title": title, "type": ["string", "number"], **bounds},
        lambda percent: f"{percent:g}%",
    )


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


class TimeLimit(Limit, title="limit on a time left"):
    """A bound on the time that is left."""

    above: ClassVar[None] = None
    below_ms: Duration | None = None
    """Breached when less time than this is left; a number alone is seconds."""

    @property
    def below(self) -> float | None:
        """The bound in seconds."""
        return None if self.below_ms is None else self.below_ms / 1000


class StatusLimit(Limit, title="limit on a status"):
    """A bound on a status; from best to worst they are OK, LAGGING, REWOUND, STALLED, STOPPED."""

    above: Annotated[int, _status()] | None = None
    """Breached by a status that is worse than this."""
    below: ClassVar[None] = None


class ShareLimit(Limit, title="limit on a share"):
    """A bound on a share."""

    above: Annotated[float, _share()] | None = None
    """Breached by a share greater than this: `1%`, or `0.01` of the whole."""
    below: ClassVar[None] = None


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
    dead_letter_share: Check[ShareLimit] | None = None
    """Dead letters as a share of the stream's records, in the last window."""
    no_new_cause: Check[CountLimit] | None = None
    """Causes of dead letters that had not been seen before, within one window length."""
    data_loss: Check[CountLimit] | None = None
    """Records that retention deleted within one window length before a consumer group had read
    them."""
    group_status: Check[StatusLimit] | None = None
    """What each watched consumer group is doing, as soon as `status_for` of the stream lets its
    status say so."""
    time_lag: Check[AgeLimit] | None = None
    """Age of the first record that each watched consumer group has still to read."""
    processed_age: Check[AgeLimit] | None = None
    """How old events are when a watched consumer group has committed them: the 99th percentile of
    the last window."""
    forecast: Check[TimeLimit] | None = None
    """How soon a watched consumer group, at its present rate, reaches a limit of `lag` or
    `time_lag`, or loses records to retention."""
