"""Silence is measured in the time spent asking."""

from streamgauge.kafka.watchdog import Watchdog


def ask_for(watchdog, seconds, start=0.0, step=0.25):
    """Poll for so long; returns when it ended."""
    now = start
    while now <= start + seconds:
        watchdog.ask(now)
        now += step
    return now


def test_a_partition_nobody_answers_for_is_silent_after_the_patience():
    """Not before, and only that one."""
    watchdog = Watchdog(10.0)
    watchdog.answered([0, 1])
    now = ask_for(watchdog, 10.0)
    assert watchdog.silent() == []
    watchdog.answered([1])
    ask_for(watchdog, 1.0, start=now)
    assert watchdog.silent() == [0]


def test_an_answer_begins_the_measurement_anew():
    """Also after the patience was exceeded."""
    watchdog = Watchdog(10.0)
    watchdog.answered([0])
    now = ask_for(watchdog, 20.0)
    assert watchdog.silent() == [0]
    watchdog.answered([0])
    ask_for(watchdog, 5.0, start=now)
    assert watchdog.silent() == []


def test_time_spent_elsewhere_is_not_silence():
    """A minute in which nobody polled is no minute of silence."""
    watchdog = Watchdog(10.0)
    watchdog.answered([0])
    watchdog.ask(0.0)
    watchdog.ask(60.0)
    assert watchdog.silent() == []


def test_a_forgotten_partition_is_never_silent():
    """It is tailed no more."""
    watchdog = Watchdog(10.0)
    watchdog.answered([0, 1])
    watchdog.forget([0])
    ask_for(watchdog, 20.0)
    assert watchdog.silent() == [1]
