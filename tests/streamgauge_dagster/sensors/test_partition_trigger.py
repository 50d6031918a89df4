"""Each partition that has new data is run once for it, when all conditions hold."""

import dagster as dg
import pytest

from streamgauge_dagster.sensors import Conditions, partition_trigger
from streamgauge_dagster.sensors.cursor import CursorError
from streamgauge_dagster.sensors.partition_memory import WAITING_MAX, Memory
from streamgauge_dagster.sensors.partition_tick import RUNS_AT_ONCE

from .gauge import FRESH, STREAM, VERSION, group

HELD = dg.AssetKey(["kafka", "orders_placed_by_partition"])
NUMBERS = dg.StaticPartitionsDefinition([str(number) for number in range(99)])


@dg.asset(name="orders_table", deps=[HELD], partitions_def=NUMBERS)
def table() -> None:
    """What is built on the partitions."""


@pytest.fixture
def trigger(daemon):
    """A daemon with a trigger: `trigger(max_lag=5)`."""

    def trigger(**conditions):
        wanted = Conditions(**conditions)
        return daemon(partition_trigger(STREAM, HELD, [table], conditions=wanted, name="a_trigger"))

    return trigger


@pytest.fixture
def tell(instance):
    """Tell of a partition: `tell("3", "v1")`."""

    def tell(partition, version="v1", **metadata):
        event = dg.AssetObservation(
            HELD, partition=partition, metadata=metadata, tags={VERSION: version}
        )
        instance.report_runless_asset_event(event)

    return tell


def launched(daemon):
    """The partitions of all runs so far."""
    return [request.partition_key for request in daemon.launched]


def test_each_partition_runs_once_for_its_data(gauge, trigger, tell):
    """Told again it is not new, nor is what is no partition."""
    daemon = trigger()
    gauge.report(1)
    assert daemon.tick() == "No partition of kafka/orders_placed_by_partition has new data."
    tell("3")
    tell("5")
    tell(None)
    daemon.tick()
    assert launched(daemon) == ["3", "5"]
    tell("3")
    tell("5", "repeated", replayed_from=1.0)
    assert daemon.tick() == "No partition of kafka/orders_placed_by_partition has new data."
    tell("5", "v2")
    daemon.tick()
    assert launched(daemon) == ["3", "5", "5"]
    assert [request.run_key.rpartition(":")[2] for request in daemon.launched] == ["v1", "v1", "v2"]
    assert daemon.launched[0].tags["streamgauge/trigger"] == "a_trigger"


def test_partitions_wait_until_the_stream_is_well(gauge, trigger, tell):
    """All of them, each with its latest data; what is missing is said."""
    daemon = trigger(max_lag=5, checks=(FRESH,))
    tell("3")
    assert daemon.tick() == (
        "1 partition has new data, but nothing was reported yet of kafka/orders_placed."
    )
    gauge.report(1, groups=[group(9)])
    gauge.judge("pass")
    tell("4")
    assert daemon.tick() == (
        "2 partitions have new data, but the lag of billing is 9 records, above 5 records."
    )
    tell("3", "v2")
    gauge.report(1, groups=[group(5)])
    daemon.tick()
    assert launched(daemon) == ["4", "3"]
    assert daemon.launched[1].run_key.endswith(":3:v2")


def test_a_lost_cursor_launches_nothing_twice(gauge, trigger, tell):
    """A run's key is made of the data."""
    daemon = trigger()
    gauge.report(1)
    tell("3")
    daemon.tick(dies=True)
    daemon.tick()
    daemon.cursor = None
    daemon.tick()
    assert launched(daemon) == ["3"]


def test_many_partitions_run_in_parts(gauge, trigger, tell):
    """So many in each tick."""
    daemon = trigger()
    gauge.report(1)
    for number in range(RUNS_AT_ONCE + 1):
        tell(str(number))
    daemon.tick()
    assert len(launched(daemon)) == RUNS_AT_ONCE
    daemon.tick()
    daemon.tick()
    assert launched(daemon) == [str(number) for number in range(RUNS_AT_ONCE + 1)]


def test_what_waits_is_bounded_and_counted():
    """The oldest is given up; what was launched for is remembered for as long."""
    memory = Memory()
    for number in range(WAITING_MAX + 2):
        memory.take_in(str(number), "v1")
    assert (len(memory.waiting), memory.given_up) == (WAITING_MAX, 2)
    assert next(iter(memory.waiting)) == "2"
    memory.launch(WAITING_MAX)
    memory.take_in("9", "v1")
    assert not memory.waiting
    memory.take_in("9", "v2")
    memory.launch(1)
    assert len(memory.launched) == WAITING_MAX


def test_a_strange_cursor_is_told(trigger):
    """As with every sensor here."""
    daemon = trigger()
    daemon.cursor = "mine"
    with pytest.raises(CursorError, match="reset it"):
        daemon.tick()


@pytest.mark.parametrize("wrong", [{"max_lag": -1}, {"max_time_lag_seconds": -0.5}])
def test_limits_that_nothing_meets_are_refused(wrong):
    """As in the other trigger."""
    with pytest.raises(ValueError, match=r"_?lag.* is -.*: give 0 or more"):
        Conditions(**wrong)
