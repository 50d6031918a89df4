"""`no_dead_letters`: arrivals within one window length, per dead letter topic."""

from __future__ import annotations

from streamgauge.core.checks.no_dead_letters import NO_DEAD_LETTERS
from streamgauge.core.checks.policy import Subject
from streamgauge.core.dead_letters.sentence import dead_letters_sentence
from streamgauge.core.snapshot import DeadLetterTopicView
from streamgauge.core.totals import Totals
from streamgauge.model import Blind


def test_each_dead_letter_topic_is_measured_by_itself(snapshot):
    """With its own blindness; a drained topic's old totals do not matter."""
    first = DeadLetterTopicView("dlq-a", ("kafka", "a"), Totals(dead_letters=99), 0, None)
    second = DeadLetterTopicView("dlq-b", ("kafka", "b"), Totals(dead_letters=1), 1, 5)
    third = DeadLetterTopicView("dlq-c", ("kafka", "c"), Totals(), 1200, 5)
    blind = Blind("topic dlq-b", 1, "absent")
    now = snapshot(dead_letters=(first, second, third), blind=(blind,))
    measures = [
        NO_DEAD_LETTERS.measure(now, Subject(view.asset_key, view.topic))
        for view in now.dead_letters
    ]
    assert [(m.value, m.blind) for m in measures] == [(0, None), (1, blind), (1200, None)]
    assert [m.text for m in measures] == [
        "0 dead letters arrived on dlq-a within 1 m",
        dead_letters_sentence(second, now.window_ms),
        dead_letters_sentence(third, now.window_ms),
    ]
