"""Groups as a check finds them in a snapshot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.checks.policy import Subject
from streamgauge.core.snapshot import GroupPartitionView, GroupView
from streamgauge.model import GroupStatus, LagBound


def make_part(seconds=None, bound=LagBound.EXACT, committed=10):
    """A partition of this time lag."""
    return GroupPartitionView(committed, 20, 10, LagBound.EXACT, seconds, bound)


def make_group(**fields):
    """A group that has committed and was answered a second ago, with these fields set."""
    base = GroupView(
        status=GroupStatus.OK,
        lag=10,
        lag_bound=LagBound.EXACT,
        time_lag_seconds=1.5,
        time_lag_bound=LagBound.EXACT,
        as_of_ms=999_000,
        partitions={0: make_part(1.5)},
        status_reason="it reads on",
    )
    return replace(base, **fields)


@pytest.fixture
def measure(snapshot):
    """The measure of a check of a group, or of a pattern: `measure(check, "b-*", groups)`."""

    def measured(check, watched, groups, **fields):
        now = snapshot(groups=groups, watched_groups=(watched,), life_start_ms=7, **fields)
        return check.measure(now, Subject(now.asset_key, watched))

    return measured


@pytest.fixture
def part():
    """Maker of partitions of a group."""
    return make_part


@pytest.fixture
def group():
    """Maker of groups."""
    return make_group
