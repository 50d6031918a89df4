"""All sinks as one: what each is shown, and that none waits for another."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from streamgauge.app.sinks import Sinks
from streamgauge.core.columns import RecordReader
from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Letter
from streamgauge.core.event_time import HeaderRule, RecordRule
from streamgauge.core.totals import Totals
from streamgauge.model import SinkHealth
from streamgauge.web.server import WebServer

from .jumping import START_MS, at_once
from .tails import FakeRecord


class RecordingOtlp:
    """Stores what it is shown; grants as many spans as it was told to."""

    def __init__(self, granted=100, *, delivered=True, facts=()):
        self.granted = granted
        self.facts = facts
        self.delivered = delivered
        self.exemplars, self.spans, self.wanted = [], [], []

    def start(self):
        """Begin with nothing."""

    def observe(self, stream, exemplars):
        """Candidates for exemplars."""
        self.exemplars += [(stream, record.offset, record.age_ms) for record in exemplars]

    def reserve_spans(self, wanted, *, now_ms, dead_letter):
        """Room for spans."""
        self.wanted.append((wanted, now_ms, dead_letter))
        return min(wanted, self.granted)

    def emit_spans(self, stream, records):
        """Spans."""
        self.spans += [(stream, record.offset, record.age_ms, record.said) for record in records]

    def health(self):
        """How exporting goes."""
        return (SinkHealth("otlp_metrics", 0, 1, 0, None, None, "refused"),)

    async def shutdown(self, deadline_seconds):
        """Export what is left."""
        assert deadline_seconds > 0
        return self.delivered


class RecordingDagster:
    """A sink that takes a while to flush, or fails."""

    def __init__(self, error=None):
        self.error = error
        self.flushed = False

    async def flush(self, _deadline_seconds):
        """Tell what is left."""
        await asyncio.sleep(1)
        if self.error:
            raise self.error
        self.flushed = True


def web():
    """A server that is not started."""
    return WebServer("127.0.0.1", 0, streams=["shop"], sinks=lambda: (), now_ms=lambda: START_MS)


def records(count, sampled, *, age_ms=lambda offset: offset * 1000):
    """Columns of records with ages by offset; those at the offsets `sampled` say so."""

    def headers(offset):
        flags = "01" if offset in sampled else "00"
        yield "traceparent", f"00-{offset + 1:032x}-00f067aa0ba902b7-{flags}".encode()
        yield "event-time", str(START_MS - age_ms(offset)).encode()

    made = [FakeRecord(offset, headers=tuple(headers(offset))) for offset in range(count)]
    reader = RecordReader([HeaderRule("event-time"), RecordRule()])
    return reader.read("orders", 0, made, next_offset=count, received_ms=START_MS, live=True)


@pytest.fixture
def shown():
    """Shows columns to sinks and gives what the recording one has: `shown(columns, granted=3)`."""

    def show(columns, *, dead_letters=False, granted=100):
        otlp = RecordingOtlp(granted)
        ages = None if dead_letters else Totals().fold(columns)
        Sinks(web(), otlp, None).show_traces("shop", columns, ages)
        return otlp

    return show


def test_sampled_records_become_exemplars_and_spans_with_their_ages(shown):
    """One exemplar for each bucket, and a span for each record as long as there is room."""
    otlp = shown(records(10, {2, 5}))
    assert sorted(otlp.exemplars) == [("shop", 2, 2000), ("shop", 5, 5000)]
    assert sorted(otlp.spans) == [("shop", 2, 2000, None), ("shop", 5, 5000, None)]
    assert otlp.wanted == [(2, START_MS, False)]


def test_exemplars_come_first_when_spans_are_scarce(shown):
    """An exemplar that leads to no span of ours is worth less."""
    columns = records(20, set(range(20)), age_ms=lambda offset: 1000 if offset < 19 else 64_000)
    otlp = shown(columns, granted=2)
    picked = {offset for _, offset, _ in otlp.exemplars}
    assert picked == {18, 19}
    assert {offset for _, offset, _, _ in otlp.spans} == picked


def test_no_room_means_no_span(shown):
    """The exemplars stay."""
    otlp = shown(records(3, {1}), granted=0)
    assert (len(otlp.exemplars), otlp.spans) == (1, [])


def test_each_record_has_one_span_at_most(shown):
    """Although an exemplar is also among the sampled ones."""
    otlp = shown(records(50, set(range(50))), granted=50)
    offsets = [offset for _, offset, _, _ in otlp.spans]
    assert len(offsets) == len(set(offsets)) == 50


def test_dead_letters_have_spans_but_no_ages(shown):
    """Each with what it says; one that is being tried again has none and takes no room."""
    columns = records(5, {1, 2, 3})
    said = [DeadLetter(dialect=Dialect.SPRING, retrying=offset == 2) for offset in range(5)]
    letters = [Letter(each, 0, at, None, None, None, None) for at, each in enumerate(said)]
    otlp = shown(replace(columns, letters=letters), dead_letters=True)
    assert otlp.exemplars == []
    assert otlp.spans == [("shop", 1, None, said[1]), ("shop", 3, None, said[3])]
    assert otlp.wanted == [(2, START_MS, True)]


def test_records_that_are_not_sampled_cost_nothing(shown):
    """Nobody asks for room."""
    assert shown(records(5, set())).wanted == []


@at_once
async def test_all_sinks_are_flushed_at_the_same_time():
    """One after the other would take the sum."""
    dagster, otlp = RecordingDagster(), RecordingOtlp()
    await Sinks(web(), otlp, dagster).flush(5)
    assert dagster.flushed
    await Sinks(web(), None, None).flush(5)


@at_once
async def test_a_sink_that_breaks_keeps_no_other_from_its_flush(lines):
    """What broke comes out afterwards."""
    sinks = Sinks(web(), RecordingOtlp(delivered=False), RecordingDagster(LookupError("a mistake")))
    with pytest.raises(ExceptionGroup) as raised:
        await sinks.flush(5)
    assert str(raised.value.exceptions[0]) == "a mistake"
    assert [(line["event"], line["reason"]) for line in lines] == [
        ("otlp_failing", "the last export failed: refused")
    ]


async def test_facts_about_variables_are_told_at_the_start(lines):
    """Each once, before the address of the web server."""
    otlp = RecordingOtlp(facts=("OTEL_A is not used", "OTEL_B is not followed"))
    sinks = Sinks(web(), otlp, None)
    await sinks.start()
    await sinks.web.stop(1)
    told = [(line["event"], line.get("fact")) for line in lines]
    assert told == [
        ("otlp_variable", "OTEL_A is not used"),
        ("otlp_variable", "OTEL_B is not followed"),
        ("web_listening", None),
    ]


async def test_what_fails_while_running_is_told(lines):
    """The exports are looked at every second."""
    sinks = Sinks(web(), RecordingOtlp(), None)
    await sinks.web.start()
    running = asyncio.create_task(sinks.run())
    deadline = time.monotonic() + 10
    while not lines and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await sinks.web.stop(1)
    assert [(line["event"], line["sink"]) for line in lines] == [("otlp_failing", "otlp_metrics")]
