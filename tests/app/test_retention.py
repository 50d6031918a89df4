"""How long records stay: asked for now and then, soon again after a failure."""

from __future__ import annotations

import asyncio

import pytest

from streamgauge.app.retention import ASK_EVERY_SECONDS, LOOK_SECONDS, RetentionWatch
from streamgauge.core.watched_groups import Retention
from streamgauge.kafka.errors import BrokersUnavailableError
from streamgauge.kafka.topic_settings import UNKNOWN_SETTINGS, TopicSettings

from .jumping import at_once


def settings_of(*, compacted, unlimited, retention_ms):
    """What brokers say."""
    return TopicSettings(
        is_compacted=compacted, is_retention_unlimited=unlimited, retention_ms=retention_ms
    )


AWAY = BrokersUnavailableError("away")


@pytest.mark.parametrize(
    ("settings", "retention"),
    [
        (UNKNOWN_SETTINGS, Retention()),
        (
            settings_of(compacted=False, unlimited=False, retention_ms=9_500),
            Retention(is_compacted=False, seconds=9.5),
        ),
        (
            settings_of(compacted=True, unlimited=True, retention_ms=None),
            Retention(is_compacted=True),
        ),
    ],
)
@at_once
async def test_what_the_settings_say_is_told(settings, retention, context, cluster):
    """Unknown is a value; a topic that keeps everything has no age at which it deletes."""
    made, told = context("a"), []
    made.gauge.read_on = told.append
    cluster.settings = settings
    assert await RetentionWatch(made).ask()
    assert told == [retention]


@at_once
async def test_a_failure_is_repeated_soon_and_an_answer_holds_for_a_minute(context, cluster):
    """However late the answer comes."""
    made, told = context("a"), []
    loop = asyncio.get_running_loop()
    made.gauge.read_on = lambda _: told.append(loop.time())
    cluster.settings = [AWAY, AWAY, UNKNOWN_SETTINGS]
    begun = loop.time()
    running = asyncio.create_task(RetentionWatch(made).run())
    await asyncio.sleep(2 * LOOK_SECONDS + ASK_EVERY_SECONDS + 1)
    running.cancel()
    assert [round(at - begun) for at in told] == [10, 70]


@at_once
async def test_of_another_log_it_is_asked_anew(context, cluster):
    """What was known of the one before is forgotten."""
    made, told = context("a"), []
    made.gauge.read_on = told.append
    cluster.settings = UNKNOWN_SETTINGS
    running = asyncio.create_task(RetentionWatch(made).run())
    await asyncio.sleep(2 * LOOK_SECONDS)
    assert len(told) == 1
    made.gauge.begin_life("2" * 16, "orders", 1)
    await asyncio.sleep(LOOK_SECONDS)
    running.cancel()
    assert len(told) == 2
