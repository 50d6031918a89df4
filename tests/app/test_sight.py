"""What goes out of sight is told once to the log, and always to the gauge."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from streamgauge.app.sight import AGAIN_SECONDS, BACK, Loss, Sight
from streamgauge.core.gauge import StreamGauge
from streamgauge.events import Event

from .jumping import START_MS, at_once


@pytest.fixture
def seen(policy, lines):
    """A sight with its gauge; `seen.changes` grows with every change that is worth a tick."""

    class Seen:
        def __init__(self):
            self.gauge = StreamGauge(policy(), "life", START_MS)
            self.changes = []
            self.sight = Sight(
                self.gauge, structlog.get_logger(), lambda: START_MS, lambda: self.changes.append(1)
            )

        def blind(self):
            """What the gauge says of the topic."""
            told = self.gauge.tick(START_MS).snapshot.blind
            return {blind.what: (blind.since_ms - START_MS, blind.reason) for blind in told}

    return Seen()


@at_once
async def test_a_loss_and_its_end_are_one_line_each(seen, lines, events):
    """However often both are said; the gauge has the newest reason and the first time."""
    for _ in range(5):
        seen.sight.lost(Event.TOPIC_ABSENT, [Loss("topic orders", "it is not there")])
    assert seen.blind()["topic orders"] == (0, "it is not there")
    for _ in range(5):
        seen.sight.regained(["topic orders"])
    assert events() == ["topic_absent", "topic_seen"]
    assert (lines[0]["what"], lines[0]["reason"]) == ("topic orders", "it is not there")
    assert len(seen.changes) == 2
    assert seen.blind()["topic orders"][1] == "its partitions are not known yet"


@at_once
async def test_blindness_begins_when_something_was_seen_last(seen):
    """Not when it was noticed."""
    seen.sight.regained(["topic orders"])
    seen.sight.lost(Event.KAFKA_UNREACHABLE, [Loss("group g", "silence", 12.5)])
    assert seen.blind()["group g"] == (-12_500, "silence")
    seen.sight.lost(Event.KAFKA_UNREACHABLE, [Loss("group g", "more silence", 99)])
    assert seen.blind()["group g"] == (-12_500, "more silence")


@at_once
async def test_another_reason_is_told_but_not_at_every_turn(seen, lines):
    """While brokers are away the reason changes with every attempt."""
    for reason in ("silence", "refused", "silence", "refused"):
        seen.sight.lost(Event.KAFKA_UNREACHABLE, [Loss("topic orders", reason)])
    seen.sight.lost(Event.TAIL_STALLED, [Loss("topic orders", "stalled")])
    assert [line["reason"] for line in lines] == ["silence"]
    assert seen.blind()["topic orders"][1] == "stalled"
    await asyncio.sleep(AGAIN_SECONDS)
    seen.sight.lost(Event.KAFKA_UNREACHABLE, [Loss("topic orders", "silence")])
    assert len(lines) == 1
    seen.sight.lost(Event.KAFKA_UNREACHABLE, [Loss("topic orders", "refused")])
    assert [line["reason"] for line in lines] == ["silence", "refused"]


@at_once
async def test_a_loss_of_another_kind_is_told_at_once(seen, events):
    """A topic that is gone is no broker that is away."""
    seen.sight.lost(Event.KAFKA_UNREACHABLE, [Loss("topic orders", "silence")])
    seen.sight.lost(Event.TOPIC_FORBIDDEN, [Loss("topic orders", "READ is missing")])
    seen.sight.regained(["topic orders"])
    assert events() == ["kafka_unreachable", "topic_forbidden", "topic_seen"]


@at_once
async def test_what_is_lost_together_is_one_line(seen, lines):
    """A hundred groups of a broker that is away are one event; new ones are told as they come."""
    groups = [Loss(f"group {number}", "silence") for number in range(100)]
    seen.sight.lost(Event.GROUP_UNANSWERED, groups[:99])
    seen.sight.lost(Event.GROUP_UNANSWERED, groups)
    seen.sight.regained([loss.what for loss in groups])
    assert [(line["event"], line["what"], line.get("others")) for line in lines] == [
        ("group_unanswered", "group 0", 98),
        ("group_unanswered", "group 99", None),
        ("group_seen", "group 0", 99),
    ]
    assert "group 7" not in seen.blind()


@at_once
async def test_nothing_lost_is_nothing_told(seen, lines):
    """An empty list is the usual case, at every poll."""
    seen.sight.lost(Event.GROUP_UNANSWERED, [])
    seen.sight.regained([])
    seen.sight.regained(["group never-lost"])
    assert (lines, seen.changes) == ([], [])


def test_every_loss_has_an_end():
    """An event that tells a loss names what is told when it is over."""
    assert {event for event in Event if event.level in {"warning", "error"}} >= BACK.keys()
    assert {event.level for event in BACK.values()} == {"info"}
