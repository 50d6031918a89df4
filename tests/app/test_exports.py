"""Each failure and each recovery of a signal is told once."""

from __future__ import annotations

import pytest
import structlog

from streamgauge.app.exports import ExportWatch
from streamgauge.model import SinkHealth


@pytest.fixture
def look(lines):
    """Shows the counts of signals to a watch and gives what it told: `look(metrics=(2, 1))`."""
    watch = ExportWatch(structlog.get_logger())

    def show(**signals):
        told = len(lines)
        watch.look(
            SinkHealth(name, delivered, failed, 0, None, None, "refused")
            for name, (delivered, failed) in signals.items()
        )
        return [(line["event"], line["sink"]) for line in lines[told:]]

    return show


def test_a_signal_that_delivers_is_no_event(look):
    """From the first export on."""
    assert look(metrics=(0, 0)) == []
    assert look(metrics=(3, 0)) == []


def test_a_failure_is_told_once_and_its_end_once(look, lines):
    """However many exports fail in between; with the reason."""
    assert look(metrics=(3, 1)) == [("otlp_failing", "metrics")]
    assert lines[0]["reason"] == "refused"
    assert look(metrics=(3, 9)) == []
    assert look(metrics=(3, 9)) == []
    assert look(metrics=(4, 9)) == [("otlp_recovered", "metrics")]
    assert look(metrics=(5, 10)) == [("otlp_failing", "metrics")]


def test_deliveries_between_failures_are_no_recovery(look):
    """A collector that takes every other export still fails."""
    assert look(metrics=(0, 1)) == [("otlp_failing", "metrics")]
    assert look(metrics=(1, 2)) == []
    assert look(metrics=(2, 2)) == [("otlp_recovered", "metrics")]


def test_signals_are_told_apart(look):
    """Spans may fail while metrics get through."""
    assert look(metrics=(1, 0), traces=(0, 1)) == [("otlp_failing", "traces")]
    assert look(metrics=(1, 1), traces=(1, 1)) == [
        ("otlp_failing", "metrics"),
        ("otlp_recovered", "traces"),
    ]
