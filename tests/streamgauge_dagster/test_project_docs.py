"""The page about projects names every attribute, and its examples work."""

import re
from pathlib import Path

import dagster as dg
import pytest
import yaml

from streamgauge_dagster import KafkaStreamComponent, build_definitions
from streamgauge_dagster.following import Alert, Following, FreshnessTrigger, Poll
from streamgauge_dagster.health import StreamHealth
from streamgauge_dagster.partitions import Partitions

from .defs_yaml import COMPONENT_WARNINGS, TYPE, checks_of, load_component, specs_of
from .reporting import LETTERS, STREAM

pytestmark = COMPONENT_WARNINGS
PAGE = (Path(__file__).parents[2] / "docs" / "dagster-project.md").read_text()


def blocks(language):
    """The code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def rows(heading):
    """The rows of the table under a heading, as the names in the first column and the rest."""
    table = PAGE.split(f"\n| {heading} | meaning |\n|---|---|\n")[1].split("\n\n")[0]
    for line in table.splitlines():
        first, rest = line.strip("| ").split(" | ", 1)
        yield re.findall(r"`(\w+)", first), rest


def test_every_attribute_is_documented():
    """In the table, by its name, once."""
    documented = [name for names, _ in rows("attribute") for name in names]
    assert sorted(documented) == sorted(KafkaStreamComponent.model_fields)


def test_every_setting_of_sensors_is_documented():
    """Each with the settings in it."""
    told = {name: rest for names, rest in rows("setting") for name in names}
    assert told.keys() == Following.model_fields.keys()
    for name, inside in [
        ("freshness_triggers", FreshnessTrigger),
        ("alert", Alert),
        ("poll", Poll),
    ]:
        assert inside.model_fields.keys() <= set(re.findall(r"`(\w+)`", told[name]))


def test_every_setting_of_partitions_is_documented():
    """By its name, once."""
    documented = [name for names, _ in rows("of partitions") for name in names]
    assert documented == list(Partitions.model_fields)


def test_everything_of_a_health_is_documented():
    """But what it is of, and a setting of the resource."""
    documented = {name for names, _ in rows("of a health") for name in names}
    public = {name for name in dir(StreamHealth) if not name.startswith("_")}
    assert documented == public - {"asset_key", "silent_after_seconds"}


@pytest.mark.parametrize("number", range(5))
def test_the_yaml_of_the_page_is_right(config_file, monkeypatch, number):
    """Each of its examples gives definitions."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "broker:9092")
    (*_, example) = map(yaml.safe_load, blocks("yaml")[: number + 1])
    assert example["type"] == TYPE
    files = {"streamgauge.yaml": config_file().read_text()}
    defs = load_component(files, **example["attributes"])
    assert {STREAM, LETTERS} <= specs_of(defs).keys()


@pytest.mark.parametrize("number", range(3))
def test_the_code_of_the_page_is_right(config_file, tmp_path, monkeypatch, number):
    """Each of its examples gives definitions that Dagster can load."""
    config_file().rename(tmp_path / "streamgauge.yaml")
    monkeypatch.chdir(tmp_path)
    space = {"__name__": "example"}
    exec(blocks("python")[number], space)  # noqa: S102 - it is our own
    for defs in (each for each in space.values() if isinstance(each, dg.Definitions)):
        assert checks_of(defs)


def test_the_assets_of_the_page_run(
    config_file, tmp_path, monkeypatch, run_code, reports, observed
):
    """One is built with what it was built on; the other tells that it has read."""
    config_file().rename(tmp_path / "streamgauge.yaml")
    monkeypatch.chdir(tmp_path)
    defs = build_definitions("streamgauge.yaml", environ={})
    positions = {"positions": {"rows": [[0, 12, 5]]}}
    identity = {"sequence": 1, "life": "a", "period_end": "2026-01-31T12:35:00.250Z"}
    reports.observation(records_total=5, completeness=1.0, detail=positions, **identity)
    for key in checks_of(defs):
        reports.evaluation(key=key)
    tables = [dg.AssetKey("orders_table"), dg.AssetKey("orders_today")]
    with run_code(blocks("python")[1], tables) as done:
        assert done.success
        assert done.asset_materializations_for_node("orders_today")
        (built,) = done.asset_materializations_for_node("orders_table")
    assert built.metadata["stream_positions"].value == {"0": 12}
    assert observed()[0].description == "read by orders_today"
