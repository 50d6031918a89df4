"""A gauge that reports to an instance, and a daemon that ticks when it is asked to."""

import time

import dagster as dg
import pytest

from .gauge import Gauge


@pytest.fixture
def gauge(instance):
    """A gauge in its first life."""
    return Gauge(instance)


class Daemon:
    """What the sensor daemon does with one sensor, tick by tick.

    Attributes:
        cursor: as it is stored after a tick.
        launched: run requests so far, without those whose run key was there before.
    """

    def __init__(self, instance, sensor):
        self.cursor, self.launched = None, []
        self._instance, self.sensor = instance, sensor

    def tick(self, *, dies=False):
        """One tick; gives what it said. A daemon that dies has stored all but the cursor."""
        context = dg.build_sensor_context(self._instance, cursor=self.cursor)
        result = self.sensor(context)
        for event in result.asset_events:
            self._instance.report_runless_asset_event(event)
        keys = {each.run_key for each in self.launched}
        self.launched += [each for each in result.run_requests if each.run_key not in keys]
        if not dies:
            self.cursor = result.cursor
        return result.skip_reason and result.skip_reason.skip_message


@pytest.fixture
def daemon(instance):
    """Make a daemon for a sensor: `daemon(sensor)`."""
    return lambda sensor: Daemon(instance, sensor)


@pytest.fixture
def clock(monkeypatch):
    """A clock that can be set forward: `clock.seconds += 60`."""

    class Clock:
        seconds = 0.0

    told, told_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: told() + Clock.seconds)
    monkeypatch.setattr(time, "time_ns", lambda: told_ns() + round(Clock.seconds * 1e9))
    return Clock
