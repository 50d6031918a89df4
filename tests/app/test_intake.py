"""What a poll has brought becomes totals, and what was lost becomes lines."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from streamgauge.app.intake import AGAIN_SECONDS, Intake
from streamgauge.core.columns import RecordReader
from streamgauge.core.dead_letters.letters import DeadLetterReader
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.event_time import RecordRule
from streamgauge.kafka.polled import Lost, Truncated
from streamgauge.kafka.salvage import Damage, Undecodable
from streamgauge.model import CommittedOffsets, LogOffsets

from .conftest import polled
from .jumping import START_MS, at_once
from .tails import FakeRecord


def columns(*offsets, topic="orders", partition=0):
    """Records at these offsets."""
    records = [FakeRecord(offset) for offset in offsets]
    rules = [RecordRule()]
    letters = topic == "dlq"
    reader = DeadLetterReader(rules, ReadingRules()) if letters else RecordReader(rules)
    return reader.read(
        topic, partition, records, next_offset=offsets[-1] + 1, received_ms=START_MS, live=True
    )


@pytest.fixture
def taking(context):
    """A gauge with two partitions, an intake, and what was handed on."""

    class Taking:
        def __init__(self):
            self.context = context()
            self.gauge = self.context.gauge
            self.gauge.assigned("orders", {0: 0, 1: 0})
            self.gauge.assigned("dlq", {0: 0})
            self.folded = []
            self.orders = Intake(self.context, "orders", lambda *told: self.folded.append(told))
            self.letters = Intake(self.context, "dlq", lambda *told: self.folded.append(told))

        def totals(self):
            """The stream's totals."""
            return self.gauge.tick(START_MS).snapshot.totals

    return Taking


@at_once
async def test_a_poll_is_folded_and_handed_on_with_its_ages(taking):
    """Dead letters have no arrival ages."""
    told = taking()
    told.orders.take_in(polled([columns(0, 1, 2)], p0=(3, 3, START_MS)))
    told.letters.take_in(polled([columns(0, topic="dlq")], p0=(1, 1, START_MS)))
    assert (told.totals().records, told.totals().dead_letters) == (3, 1)
    (orders, ages), (letters, nothing) = told.folded
    assert (len(orders.offsets), len(ages.rows), len(letters.offsets), nothing) == (3, 3, 1, None)


@at_once
async def test_a_position_moves_over_what_cannot_be_read(taking, lines):
    """What is lost and what is undecodable is counted apart, and told with its place."""
    told = taking()
    notices = [Lost(0, 0, 40), Undecodable(1, Damage.CORRUPT, 5, 3)]
    told.orders.take_in(polled(notices=notices, p0=(40, 50, START_MS), p1=(8, 8, START_MS)))
    assert (told.totals().lost, told.totals().undecodable) == (40, 3)
    assert told.gauge.positions("orders") == {0: 40, 1: 8}
    lost, undecodable = lines
    assert (lost["event"], lost["partition"], lost["offsets"]) == ("records_lost", 0, 40)
    assert undecodable["event"] == "records_undecodable"
    assert (undecodable["first_offset"], undecodable["reason"]) == (5, "corrupt")
    assert {line["topic"] for line in lines} == {"orders"}


@at_once
@pytest.mark.parametrize("reverse", [False, True])
async def test_what_is_lost_is_taken_in_before_what_comes_after_it(taking, reverse):
    """A poll may bring both: none of the lost offsets is taken for one without a record."""
    told = taking()
    told.orders.take_in(polled([columns(0, 1)], p0=(2, 2, START_MS)))
    answer = CommittedOffsets("g", "orders", {0: 0}, START_MS)
    log = LogOffsets("orders", {0: 0}, {0: 2}, START_MS)
    told.gauge.offsets([answer], log)
    notices = [Lost(0, 2, 40), Undecodable(0, Damage.CORRUPT, 42, 3)]
    told.orders.take_in(
        polled([columns(45, 46)], notices[:: -1 if reverse else 1], p0=(48, 48, START_MS))
    )
    assert (told.totals().lost, told.totals().undecodable, told.totals().records) == (40, 3, 4)
    log = LogOffsets("orders", {0: 42}, {0: 47}, START_MS + 1_000)
    told.gauge.offsets([replace(answer, offsets={0: 46}, seen_at_ms=START_MS + 1_000)], log)
    done = told.totals().groups["g"]
    assert (done.committed, done.unaged + done.aged.count) == (46, 46)
    assert told.gauge.tick(START_MS).snapshot.ledger.exact_records == 3 + 2


@at_once
async def test_a_flood_of_broken_records_is_no_flood_of_lines(taking, lines):
    """One a minute, with the number of those in between; all are counted."""
    told = taking()
    for number in range(50):
        broken = Undecodable(0, Damage.CHECKSUM, number, 1)
        told.orders.take_in(polled(notices=[broken], p0=(number + 1, 99, START_MS)))
    await asyncio.sleep(AGAIN_SECONDS)
    last = Undecodable(0, Damage.CHECKSUM, 50, 1)
    told.orders.take_in(polled(notices=[last], p0=(51, 99, START_MS)))
    assert told.totals().undecodable == 51
    assert [(line["first_offset"], line.get("untold")) for line in lines] == [(0, None), (50, 49)]


@at_once
async def test_a_log_that_was_cut_off_begins_a_life_with_all_partitions(taking, lines):
    """Also those that joined since the poll; the records before it belong to the life before."""
    told = taking()
    told.orders.take_in(polled([columns(0, 1, 2)], p0=(3, 3, START_MS), p1=(0, 0, START_MS)))
    told.gauge.assigned("orders", {2: 7})
    cut = [Truncated(0, 5, 3)]
    told.orders.take_in(
        polled([columns(3, 4)], cut, p0=(3, 3, START_MS + 5), p1=(0, 0, START_MS + 5))
    )
    assert told.gauge.positions("orders") == {0: 3, 1: 0, 2: 7}
    assert told.totals().records == 0
    assert told.gauge.tick(START_MS).snapshot.life != "first-life"
    assert [line["event"] for line in lines] == ["log_truncated"]
