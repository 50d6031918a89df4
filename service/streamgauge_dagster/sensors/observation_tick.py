"""One look at all streams: which reports are to be told again, and which gauges are silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import dagster as dg

from streamgauge.model import Level
from streamgauge_dagster.reports import PAGE
from streamgauge_dagster.sensors.gauge_reporting import CHECK_NAME, evaluation_of, heard_ms, judge
from streamgauge_dagster.sensors.observation_memory import Seen, Told
from streamgauge_dagster.sensors.partition_telling import PartitionTelling
from streamgauge_dagster.sensors.reported import latest, read_newest, read_since
from streamgauge_dagster.sensors.retold import retold
from streamgauge_dagster.sensors.words import some

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streamgauge_dagster.sensors.observation_memory import Memory
    from streamgauge_dagster.sensors.streams import FollowedStream

LOOK_SECONDS: Final = 30.0
"""A tick looks at streams for so long; the next one goes on with those that are left. Dagster gives
up a tick after 60 s."""


class Tick:
    """One look at each stream.

    Args:
        instance: where the reports are.
        memory: of the tick before; what is seen now is added to it.
        silent_after_ms: how old the last report of a stream may be.
        break_ms: longest time between two ticks in which nobody is taken to have slept; never less
            than `silent_after_ms`.
        now_ms: the time.

    Attributes:
        events: what is to be recorded.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        memory: Memory,
        *,
        silent_after_ms: int,
        break_ms: int,
        now_ms: int,
    ) -> None:
        self.events: list[dg.AssetObservation | dg.AssetCheckEvaluation] = []
        self._instance = instance
        self._memory = memory
        self._silent_after_ms = silent_after_ms
        self._now_ms = now_ms
        self._told_again: list[str] = []
        self._silent: list[str] = []
        self._back: list[str] = []
        self._never: list[str] = []
        self._partitions = PartitionTelling(instance, silent_after_ms)
        self._left = 0
        if now_ms - memory.ticked_ms > max(silent_after_ms, break_ms):
            memory.watched_since_ms = now_ms
        memory.ticked_ms = now_ms

    def look(self, streams: Sequence[FollowedStream], clock: Callable[[], float]) -> None:
        """Look at the streams, at those first that the tick before had no time for.

        Args:
            streams: all that are followed.
            clock: seconds that grow evenly, for the limit of the look.
        """
        memory, count, began = self._memory, len(streams), clock()
        for number in range(count):
            if clock() - began > LOOK_SECONDS:
                self._left = count - number
                break
            self._look_at(streams[(memory.begin_with + number) % count])
        memory.begin_with = (memory.begin_with - self._left) % count if self._left else 0
        known = {key.to_user_string() for stream in streams for key in stream.assets}
        memory.seen = {name: seen for name, seen in memory.seen.items() if name in known}

    def in_words(self) -> str:
        """What this tick did; Dagster shows it as the reason why nothing was launched."""
        kinds = (
            ("Told again with types:", self._told_again),
            ("Silent:", self._silent),
            ("Reporting again:", self._back),
            ("Nothing was reported yet of", self._never),
        )
        parts = [f"{words} {some(names)}." for words, names in kinds if names]
        parts += self._partitions.in_words()
        if self._left:
            parts.append(f"No time for {self._left} more streams: they come first next time.")
        return " ".join(parts) or "No new report."

    def _look_at(self, stream: FollowedStream) -> None:
        news = {key for key in stream.assets if self._tell_again(key, stream)}
        seen = self._seen(stream.asset_key)
        if seen.heard_ms is None or self._now_ms - seen.heard_ms > self._silent_after_ms:
            found_ms = heard_ms(self._instance, stream.asset_key, stream.checks)
            seen.heard_ms = max(seen.heard_ms or 0, found_ms or 0) or None
        verdict = judge(
            seen.heard_ms,
            watched_since_ms=self._memory.watched_since_ms,
            silent_after_ms=self._silent_after_ms,
            now_ms=self._now_ms,
        )
        passed_anew = verdict.level is Level.PASS and stream.asset_key in news
        if passed_anew or verdict.level.value != seen.level:
            evaluation = evaluation_of(
                dg.AssetCheckKey(stream.asset_key, CHECK_NAME),
                verdict,
                silent_after_ms=self._silent_after_ms,
                now_ms=self._now_ms,
            )
            self.events.append(evaluation)
        name = stream.asset_key.to_user_string()
        if verdict.level is Level.FAIL:
            self._silent.append(f"{name} ({verdict.reason.partition(': ')[0]})")
        elif verdict.level is Level.PASS and seen.level == Level.FAIL.value:
            self._back.append(name)
        elif seen.heard_ms is None:
            self._never.append(name)
        seen.level = verdict.level.value

    def _tell_again(self, key: dg.AssetKey, stream: FollowedStream) -> bool:
        """Tell the newest report of an asset again unless that was done; say if it is new.

        The log is asked too, because a tick may end between the storing of its events and of its
        cursor.
        """
        seen = self._seen(key)
        read = read_since(self._instance, key, seen.read_to, most=PAGE) if seen.read_to else None
        if read is None or read.more:
            read = read_newest(self._instance, key)
        seen.read_to = max(seen.read_to, read.read_to)
        recorded = (round(each.recorded_seconds * 1000) for each in read.reports)
        seen.heard_ms = max(seen.heard_ms or 0, *recorded, 0) or None
        report = latest(read.reports)
        if report is None or (seen.told is not None and not seen.told.before(report)):
            return False
        seen.told = Told(report.life, report.sequence, report.total, report.ended_seconds)
        if report.identity not in read.told_again and not report.typed:
            self.events.append(retold(report, stream.links))
            self._told_again.append(key.to_user_string())
        if key == stream.asset_key:
            self.events += self._partitions.tell(
                stream.partitions, report.observation, report.recorded_seconds, stream.links
            )
        return True

    def _seen(self, key: dg.AssetKey) -> Seen:
        return self._memory.seen.setdefault(key.to_user_string(), Seen())
