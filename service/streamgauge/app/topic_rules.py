"""How the records of a topic are read, for commands that are given topics or lone records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamgauge.app.settings import dead_letter_rules, event_time_rules
from streamgauge.core.event_time import DEFAULT_EVENT_TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamgauge.config.settings import Config
    from streamgauge.core.dead_letters.rules import ReadingRules
    from streamgauge.core.event_time import EventTimeRule
    from streamgauge.kafka.cluster import IsolationLevel


@dataclass(frozen=True, slots=True)
class TopicRules:
    """Of one topic, by the first stream that names it; of any other, what is usual."""

    event_time: Sequence[EventTimeRule] = tuple(DEFAULT_EVENT_TIME)
    isolation_level: IsolationLevel = "read_committed"
    dead_letters: ReadingRules | None = None
    """None: no configuration says that these are dead letters."""


def topic_rules(config: Config, topic: str | None) -> TopicRules:
    """The rules of a topic; without one, those of the only stream as far as there is only one."""
    streams = config.streams.values()
    letters = [rules for each in streams if (rules := dead_letter_rules(each).get(topic or ""))]
    owners = [
        each
        for each in streams
        if topic in {each.topic, *(letters.topic for letters in each.dead_letters)}
    ]
    if not owners and len(streams) > 1:
        return TopicRules()
    owner = next(iter(owners or streams))
    return TopicRules(
        event_time_rules(owner), owner.isolation_level, letters[0] if letters else None
    )
