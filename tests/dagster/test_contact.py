"""Loss and return of contact are told once each, whatever else goes wrong."""

from __future__ import annotations

import pytest
import structlog
from structlog.testing import capture_logs

from streamgauge.dagster.contact import Contact
from streamgauge.dagster.outcome import Accepted, Unavailable

GOOD, AWAY = Accepted(), Unavailable("away")


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        ("reports-", ["unavailable"]),
        ("reports- reports- checks-", ["unavailable"]),
        ("reports- checks- reports+", ["unavailable"]),
        ("reports- checks- reports+ checks+", ["unavailable", "recovered"]),
        ("question- question-", ["unavailable"]),
        ("question- question+", ["unavailable", "recovered"]),
        ("question- reports+ checks+", ["unavailable"]),
        ("question- reports- question- reports+", ["unavailable", "recovered"]),
        ("question- reports- reports+ question- question+", ["unavailable", "recovered"]),
        (
            "question- reports+ question- reports- reports+",
            ["unavailable", "unavailable", "recovered"],
        ),
        ("reports- question- reports+ question+", ["unavailable", "recovered"]),
    ],
)
def test_contact_is_lost_and_regained(notes, told):
    """A question that nobody answers hides no outage of the reports, nor its end."""
    with capture_logs() as log:
        contact = Contact(structlog.get_logger(), lambda: 0)
        for note in notes.split():
            lane, outcome = note[:-1], GOOD if note.endswith("+") else AWAY
            contact.note(lane, lane, outcome, only_asks=lane == "question")
    assert [line["event"].removeprefix("dagster_") for line in log] == told
