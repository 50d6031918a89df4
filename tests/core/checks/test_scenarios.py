"""The rules that move a standing: values over time, and the levels that must be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamgauge.app.replay import replay_file
from streamgauge.app.replay_text import as_text

SCENARIOS = sorted((Path(__file__).parent / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_series_comes_out_as_expected(path):
    """Each of them says what it expects after every value."""
    judged, replayed = replay_file(str(path), None, None, None)
    told = as_text(judged, replayed, every_step=True)
    assert all(step.expected for series in replayed for step in series.steps), told
    assert not any(series.failed for series in replayed), told


def test_there_are_scenarios():
    """The folder is where it is looked for."""
    assert {path.stem for path in SCENARIOS} >= {"limits", "lasting", "kept", "floor"}
