"""One poll of all topics: what is observed of each, and which of them cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import dagster as dg

from streamgauge.core.wording import few
from streamgauge.model import Level
from streamgauge_dagster.sensors.gauge_reporting import CHECK_NAME, evaluation_of, judge
from streamgauge_dagster.sensors.partition_telling import PartitionTelling
from streamgauge_dagster.sensors.poll_memory import Polled
from streamgauge_dagster.sensors.poll_report import advance, poll_observation
from streamgauge_dagster.sensors.polled import Unknown
from streamgauge_dagster.sensors.words import shortened, some

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge_dagster.sensors.poll_memory import Memory
    from streamgauge_dagster.sensors.polled import Answer, PolledStream, PolledTopic


class Tick:
    """What comes of one poll.

    Args:
        instance: where is looked for what was told of partitions.
        memory: of the tick before; what was found is added to it.
        silent_after_ms: for how long a topic may be unreadable before its check fails.
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
        self._memory = memory
        self._silent_after_ms = silent_after_ms
        self._now_ms = now_ms
        self._observed: list[str] = []
        self._unknown: list[str] = []
        self._partitions = PartitionTelling(instance, silent_after_ms)
        if now_ms - memory.ticked_ms > max(silent_after_ms, break_ms):
            memory.watched_since_ms = now_ms
        memory.ticked_ms = now_ms

    def take_in(self, streams: Sequence[PolledStream], answers: Mapping[str, Answer]) -> None:
        """Take in what was found of each topic.

        Args:
            streams: all that are polled.
            answers: by the name of the topic's asset.
        """
        for stream in streams:
            reasons = [self._observe(stream, topic, answers[topic.name]) for topic in stream.topics]
            self._judge(stream, next((reason for reason in reasons if reason), ""))
        names = {topic.name for stream in streams for topic in stream.topics}
        known = self._memory.topics
        self._memory.topics = {name: each for name, each in known.items() if name in names}

    def in_words(self) -> str:
        """What this tick did; Dagster shows it as the reason why nothing was launched."""
        parts = []
        if self._observed:
            parts.append(f"Observed: {some(self._observed)}.")
        if self._unknown:
            parts.append(f"Unknown: {some(self._unknown, comma='; ')}.")
        parts += self._partitions.in_words()
        return " ".join(parts) or "There is no topic to poll."

    def _observe(self, stream: PolledStream, topic: PolledTopic, answer: Answer) -> str:
        """Observe a topic, or say why that cannot be done."""
        known = self._memory.topics
        before = known.setdefault(topic.name, Polled())
        if isinstance(answer, Unknown):
            reason = shortened(answer.reason)
            self._unknown.append(f"{topic.name} ({reason})")
            return reason
        advanced = advance(before, answer, uuid4().hex[:16], self._now_ms)
        if advanced is None:
            missing = few(sorted(set(answer.partitions) - answer.end.keys()))
            reason = f"nobody tells the offsets of partitions {missing} of topic {topic.topic}"
            self._unknown.append(f"{topic.name} ({reason})")
            return reason
        known[topic.name], period = advanced
        observed = poll_observation(stream, topic, known[topic.name], period, answer)
        self.events.append(observed)
        self._observed.append(topic.name)
        if topic is stream.topics[0]:
            self.events += self._partitions.tell(
                stream.partitions, observed, self._now_ms / 1000, stream.links
            )
        return ""

    def _judge(self, stream: PolledStream, why: str) -> None:
        """Say that a stream can be polled, each time, or since when it cannot, once."""
        polled = [self._memory.topics[topic.name] for topic in stream.topics]
        times = [each.polled_ms for each in polled if each.polled_ms is not None]
        verdict = judge(
            min(times) if len(times) == len(polled) else None,
            watched_since_ms=self._memory.watched_since_ms,
            silent_after_ms=self._silent_after_ms,
            now_ms=self._now_ms,
            why=why,
        )
        if verdict.level.value != polled[0].level or (verdict.level is Level.PASS and not why):
            key = dg.AssetCheckKey(stream.topics[0].asset_key, CHECK_NAME)
            evaluation = evaluation_of(
                key, verdict, silent_after_ms=self._silent_after_ms, now_ms=self._now_ms
            )
            self.events.append(evaluation)
        polled[0].level = verdict.level.value
