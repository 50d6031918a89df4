"""What starts downstream work: new data that was reported, and nothing that is done here."""

import dagster as dg
import pytest

from .reporting import STREAM

pytestmark = pytest.mark.filterwarnings("ignore:Parameter `include_sources`")  # dagster's own call
CONDITIONS = {
    "eager": dg.AutomationCondition.eager(),
    "updated": dg.AutomationCondition.any_deps_updated(),
    "changed": dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed()),
}


@pytest.fixture
def defs(build):
    """The stream with an asset downstream for each condition."""
    downstream = [
        dg.asset(name=name, deps=[STREAM], automation_condition=condition)(lambda: None)
        for name, condition in CONDITIONS.items()
    ]
    return dg.Definitions.merge(build(), dg.Definitions(assets=downstream))


@pytest.fixture
def launched(defs, instance):
    """Which downstream assets the daemon would launch for what came since it was asked last."""

    class Daemon:
        cursor = None

        def __call__(self):
            told = dg.evaluate_automation_conditions(defs, instance, cursor=self.cursor)
            self.cursor = told.cursor
            return {name for name in CONDITIONS if told.get_num_requested(dg.AssetKey(name))}

    return Daemon()


def test_observing_what_was_never_reported_launches_nothing(defs, run, launched):
    """Not even in an instance without any event, where a first observation counts as new data."""
    assert launched() == set()
    run(defs, [STREAM], checks=set())
    assert launched() == set()
    run(defs, [STREAM])
    assert launched() == set()


def test_only_a_new_data_version_launches(defs, reports, run, launched):
    """Reports without new data, observations and checks do not, in any order."""
    launched()
    reports.observation("v1")
    assert launched() == set(CONDITIONS)
    for version, expected in [("v1", set()), ("v2", set(CONDITIONS))]:
        run(defs, [STREAM])
        assert launched() == set()
        reports.observation(version)
        assert launched() == expected
        run(defs, [STREAM])
        run(defs, [STREAM])
        assert launched() == set()


def test_downstream_of_what_was_never_reported_nothing_runs_along(defs, run, reports):
    """A job with the stream and what is built on it skips the latter until there is a report."""
    eager = dg.AssetKey("eager")
    assert run(defs, [STREAM, eager]).asset_materializations_for_node("eager") == []
    reports.observation("v1")
    assert len(run(defs, [STREAM, eager]).asset_materializations_for_node("eager")) == 1
