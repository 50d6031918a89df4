"""The component in a project: what a `defs.yaml` gives, and what is told of a wrong one."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox

from streamgauge.config import ConfigError
from streamgauge_dagster import KafkaStreamComponent, build_definitions

from .reporting import LETTERS, ORDERS, STREAM

pytestmark = [  # Dagster's own
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
    pytest.mark.filterwarnings("ignore::dagster_shared.utils.warnings.BetaWarning"),
]

TYPE = "streamgauge_dagster.KafkaStreamComponent"
TABLE = dg.AssetKey("orders_table")


@pytest.fixture
def load():
    """Definitions of a `defs.yaml` with these attributes; `files` lie beside it, by name."""

    def load(files=(), **attributes):
        with create_defs_folder_sandbox() as sandbox:
            path = sandbox.scaffold_component(
                component_cls=KafkaStreamComponent,
                defs_yaml_contents={"type": TYPE, "attributes": attributes},
            )
            for name, text in dict(files).items():
                (path / name).write_text(text)
            with sandbox.load_component_and_build_defs(defs_path=path) as (_, defs):
                return defs

    return load


def specs_of(defs):
    """The specs of the assets by key."""
    return {spec.key: spec for spec in defs.resolve_all_asset_specs()}


def checks_of(defs):
    """The keys of all checks."""
    return set(defs.resolve_asset_graph().asset_check_keys)


INLINE = {
    "name": "orders",
    "topic": ORDERS["topic"],
    "bootstrap_servers": "broker-1:9092,broker-2:9092",
    **{name: value for name, value in ORDERS.items() if name != "topic"},
}


def test_inline_and_file_give_the_same(load, config_file):
    """Whether the stream stands in the gauge's file or in `defs.yaml`."""
    path = config_file()
    inline = load(**INLINE)
    beside = load(files={"gauge.yaml": path.read_text()}, config="gauge.yaml")
    built = build_definitions(path, environ={})
    for defs in (inline, beside):
        assert checks_of(defs) == checks_of(built)
        specs, expected = specs_of(defs), specs_of(built)
        assert specs.keys() == expected.keys()
        for key, spec in specs.items():
            assert spec.description == expected[key].description
            assert expected[key].metadata.items() <= spec.metadata.items()
            assert spec.deps == expected[key].deps


def test_what_a_project_says_of_its_streams_is_shown(load):
    """Owners, links, lineage and the rest, on the stream and on its dead letters."""
    defs = load(
        **INLINE,
        group_name="kafka",
        owners=["team:platform", "ada@example.org"],
        tags={"tier": "gold"},
        kinds=["redpanda"],
        description="Every order that was placed.",
        upstream=["shop/checkout"],
        links={"runbook": "https://example.org/runbook", "traces": "https://example.org/traces"},
    )
    specs = specs_of(defs)
    stream, letters = specs[STREAM], specs[LETTERS]
    assert stream.description.startswith("Every order that was placed.\n\nKafka topic")
    assert [dep.asset_key for dep in stream.deps] == [dg.AssetKey(["shop", "checkout"])]
    assert [dep.asset_key for dep in letters.deps] == [STREAM]
    for spec in (stream, letters):
        assert spec.group_name == "kafka"
        assert set(spec.owners) == {"team:platform", "ada@example.org"}
        assert spec.kinds == {"redpanda"}
        assert spec.tags["tier"] == "gold"
        assert spec.metadata["runbook"] == dg.MetadataValue.url("https://example.org/runbook")


def test_chosen_streams_of_a_file(load, config_file):
    """The others are another component's."""
    text = config_file(orders=ORDERS, clicks={"topic": "clicks"}).read_text()
    keys = specs_of(load(files={"gauge.yaml": text}, config="gauge.yaml", streams=["clicks"]))
    assert keys.keys() == {dg.AssetKey(["kafka", "clicks"])}


def test_plain_assets_have_the_same_checks(load, instance, run):
    """They cannot be observed; executing a check repeats what was reported, which is nothing."""
    defs = load(**INLINE, observable=False)
    graph = defs.resolve_asset_graph()
    assert checks_of(defs) == checks_of(load(**INLINE))
    assert not graph.get(STREAM).is_observable
    assert graph.get(STREAM).is_external
    run(defs, checks=checks_of(defs))
    for key in checks_of(defs):
        (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert not record.evaluation.passed
        assert record.evaluation.severity is dg.AssetCheckSeverity.WARN


def test_event_hubs_are_reached_by_their_kafka_endpoint(load):
    """No secret stands anywhere."""
    more = {name: value for name, value in INLINE.items() if name != "bootstrap_servers"}
    defs = load(**more, event_hubs={"namespace": "shop"})
    metadata = specs_of(defs)[STREAM].metadata
    assert metadata["bootstrap_servers"] == "shop.servicebus.windows.net:9093"


@pytest.mark.parametrize(
    ("attributes", "told"),
    [
        ({}, "topic: is missing: name a topic, or the gauge's file with config"),
        ({"config": "a.yaml", "topic": "a"}, "topic: stands in the file that config names"),
        ({"topic": "a"}, "give one of the two, bootstrap_servers or event_hubs"),
        (
            {"topic": "a", "bootstrap_servers": "a:1", "event_hubs": {"namespace": "n"}},
            "give one of the two, bootstrap_servers or event_hubs",
        ),
        ({"topic": "a", "bootstrap_servers": "a:1", "streams": ["a"]}, "name the file with config"),
        (
            {"topic": "a", "bootstrap_servers": "a:1", "checks": {"lagg": {}}},
            "streams.a.checks.lagg",
        ),
        ({"topic": "a/b", "bootstrap_servers": "a:1"}, "is not a topic name"),
        ({"config": "missing.yaml"}, "missing.yaml"),
    ],
)
def test_what_is_wrong_is_told(load, attributes, told):
    """What it is, and what to do."""
    assert told in refused(lambda: load(**attributes))


def test_an_unknown_stream_is_told_with_the_nearest(load, config_file):
    """Rather than giving nothing."""
    files = {"gauge.yaml": config_file().read_text()}
    text = refused(lambda: load(files=files, config="gauge.yaml", streams=["order"]))
    assert 'no stream is named "order"; did you mean orders?' in text


def refused(load):
    """What is told of the configuration, for Dagster says around it where it stands."""
    with pytest.raises(ComponentTreeException) as raised:
        load()
    cause = raised.value
    while not isinstance(cause, ConfigError):
        cause = cause.__cause__ or cause.__context__
        assert cause is not None, raised.value
    return str(cause)


def test_sensors_follow_the_streams(load):
    """With the check that one of them evaluates; none without the attribute."""
    assert not load(**INLINE).sensors
    wanted = {
        "freshness_triggers": [
            {"target": "orders_table", "min_messages": 100, "max_lag": 5, "checks": ["fresh"]}
        ],
        "alert": {"url_variable": "ALERT_URL"},
        "running": True,
    }
    defs = load(**INLINE, sensors=wanted)
    names = {sensor.name for sensor in defs.sensors}
    assert names == {
        "kafka__orders_placed_observations",
        "kafka__orders_placed_triggers_orders_table",
        "kafka__orders_placed_alerts",
    }
    assert {sensor.default_status for sensor in defs.sensors} == {dg.DefaultSensorStatus.RUNNING}
    assert checks_of(defs) - checks_of(load(**INLINE)) == {
        dg.AssetCheckKey(STREAM, "gauge_reporting")
    }
    (only,) = load(**INLINE, sensors={"observations": False, **wanted, "alert": None}).sensors
    assert only.name == "kafka__orders_placed_triggers_orders_table"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project as `create-dagster` makes one, with one stream in it."""
    root = tmp_path_factory.mktemp("project")
    (root / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "0.1"\n'
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "shop"\n'
        'registry_modules = ["shop.components.*"]\n'
    )
    defs = root / "src" / "shop" / "defs"
    defs.mkdir(parents=True)
    (defs.parent / "__init__.py").touch()
    (defs.parent / "components").mkdir()
    (defs.parent / "components" / "__init__.py").touch()
    (defs / "__init__.py").touch()
    (defs.parent / "definitions.py").write_text(
        "from pathlib import Path\nimport dagster as dg\n\n\n@dg.definitions\ndef defs():\n"
        "    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)\n"
    )
    (defs / "table.py").write_text(
        'import dagster as dg\n\n\n@dg.asset(deps=[["kafka", "orders_placed"]])\n'
        "def orders_table():\n    return 1\n"
    )
    return root


def dg_command(project, *words):
    """One `dg` command in the project, with this environment's Python."""
    scripts = sysconfig.get_path("scripts")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DAGSTER")},
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(project / "src"), *filter(None, sys.path)]),
        "VIRTUAL_ENV": sys.prefix,
        "DAGSTER_HOME": str(project),
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }
    (project / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return subprocess.run(
        [str(Path(scripts) / "dg"), *words],
        cwd=project,
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_commands_of_dg_know_the_component(project):
    """Listed, scaffolded, checked, and its definitions shown."""
    listed = dg_command(project, "list", "components")
    assert TYPE in listed.stdout, listed
    made = dg_command(project, "scaffold", "defs", TYPE, "orders")
    assert made.returncode == 0, made
    scaffolded = project / "src" / "shop" / "defs" / "orders" / "defs.yaml"
    assert yaml.safe_load(scaffolded.read_text())["type"] == TYPE
    scaffolded.write_text(yaml.safe_dump({"type": TYPE, "attributes": INLINE}))
    for words in (("check", "yaml"), ("check", "defs")):
        checked = dg_command(project, *words)
        assert checked.returncode == 0, checked
    shown = dg_command(project, "list", "defs")
    assert "kafka/orders_placed" in shown.stdout, shown
    assert "orders_table" in shown.stdout
    scaffolded.write_text(yaml.safe_dump({"type": TYPE, "attributes": INLINE | {"topics": "x"}}))
    wrong = dg_command(project, "check", "yaml")
    assert wrong.returncode != 0
    assert "topics" in wrong.stdout + wrong.stderr


def test_every_attribute_is_documented():
    """In the table of the page, by its name."""
    page = (Path(__file__).parents[2] / "docs" / "dagster-project.md").read_text()
    rows = re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    assert documented == set(KafkaStreamComponent.model_fields)


def test_the_yaml_of_the_page_is_right(load, config_file, monkeypatch):
    """Both of its examples give definitions."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "broker:9092")
    page = (Path(__file__).parents[2] / "docs" / "dagster-project.md").read_text()
    examples = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    files = {"streamgauge.yaml": config_file().read_text()}
    for example in map(yaml.safe_load, examples):
        assert example["type"] == TYPE
        assert {STREAM, LETTERS} <= specs_of(load(files=files, **example["attributes"])).keys()


def test_the_code_of_the_page_about_sensors_is_right(config_file, tmp_path, monkeypatch):
    """It gives definitions that Dagster can load."""
    page = (Path(__file__).parents[2] / "docs" / "dagster-sensors.md").read_text()
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    config_file().rename(tmp_path / "streamgauge.yaml")
    monkeypatch.chdir(tmp_path)
    space = {}
    exec(code, space)  # noqa: S102 - it is our own
    assert len(list(space["defs"].sensors)) == 3
    assert dg.AssetCheckKey(STREAM, "gauge_reporting") in checks_of(space["defs"])
