"""Dead letters by error class and consumer group, as sums that never shrink within a life."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from streamgauge.otlp import names
from streamgauge.otlp.readings import reading
from streamgauge.otlp.spans import TEXT_MAX

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from streamgauge.core.dead_letters.cause import CauseName
    from streamgauge.core.snapshot import DeadLetterTopicView, Snapshot
    from streamgauge.otlp.readings import Reading

_Series: TypeAlias = "tuple[str, str | None]"
"""Error type and consumer group."""
_OTHER: _Series = (names.OTHER, None)


class ByCause:
    """The sums of one stream.

    A cause stays in the series in which it was told first, for as long as the life lasts: a group
    whose name is learned later would move its dead letters from one sum to another, and the first
    would shrink. It remembers no more causes than the totals count.
    """

    def __init__(self) -> None:
        self._life: str | None = None
        self._series: dict[tuple[str, str], _Series] = {}

    def readings(self, snapshot: Snapshot) -> Iterator[Reading]:
        """One for each error type and group of each dead letter topic."""
        if snapshot.life != self._life:
            self._life, self._series = snapshot.life, {}
        for view in snapshot.dead_letters:
            for (error_type, group), count in sorted(
                self._sums(view, snapshot.watched_groups).items(), key=_by_name
            ):
                where = (view.topic, error_type, group)
                yield reading(names.DEAD_LETTERS_BY_CAUSE, snapshot.stream, *where, value=count)

    def _sums(self, view: DeadLetterTopicView, watched: Collection[str]) -> dict[_Series, int]:
        causes = view.totals.causes
        sums = {_OTHER: view.totals.dead_letters - sum(causes.values())}
        for key, count in causes.items():
            cause = (view.topic, key)
            if cause not in self._series:
                self._series[cause] = _series_of(view.cause_names.get(key), watched)
            series = self._series[cause]
            sums[series] = sums.get(series, 0) + count
        return sums


def _series_of(cause: CauseName | None, watched: Collection[str]) -> _Series:
    if cause is None:
        return _OTHER
    group = cause.consumer_group
    if group is None or group not in watched:  # after a restart nobody would know its name
        return cause.error_class, None
    return cause.error_class, group[:TEXT_MAX]


def _by_name(item: tuple[_Series, int]) -> tuple[str, str]:
    (error_type, group), _ = item
    return error_type, group or ""
