"""The commands of a Dagster project with the component in it, as `create-dagster` makes one."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from .defs_yaml import INLINE, TYPE
from .reporting import ORDERS


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
    """One `dg` command in the project."""
    return command(project, "dg", *words)


def command(project, program, *words):
    """One command in the project, with this environment's Python."""
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
        [str(Path(scripts) / program), *words],
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
    made = dg_command(project, "scaffold", "defs", TYPE, "orders", "--topic", ORDERS["topic"])
    assert made.returncode == 0, made
    scaffolded = project / "src" / "shop" / "defs" / "orders" / "defs.yaml"
    assert yaml.safe_load(scaffolded.read_text()) == {
        "type": TYPE,
        "attributes": {"topic": ORDERS["topic"], "bootstrap_servers": "localhost:9092"},
    }
    for words in (("check", "yaml"), ("check", "defs")):  # of what was scaffolded, as it is
        checked = dg_command(project, *words)
        assert checked.returncode == 0, checked
    triggers = [{"target": "orders_table", "checks": ["fresh"]}]
    attributes = INLINE | {"sensors": {"freshness_triggers": triggers}}
    scaffolded.write_text(yaml.safe_dump({"type": TYPE, "attributes": attributes}))
    shown = dg_command(project, "list", "defs", "--json")
    defs = json.loads(shown.stdout)
    assert {each["asset_key"] for each in defs["assets"]} == {
        "kafka/orders_placed",
        "kafka/orders_placed_dlq",
        "orders_table",
    }
    assert "kafka__orders_placed_triggers_orders_table" in {
        each["name"] for each in defs["sensors"]
    }
    loaded = command(project, "dagster", "definitions", "validate", "-m", "shop.definitions")
    assert loaded.returncode == 0, loaded


@pytest.mark.parametrize(
    ("wrong", "words", "told"),
    [
        ({"topics": "x"}, ("check", "yaml"), "topics"),
        ({"checks": {"lagg": {}}}, ("check", "defs"), "ConfigError: checks.lagg: unknown key; did"),
    ],
)
def test_what_is_wrong_is_told_by_the_commands(project, wrong, words, told):
    """With the file that it stands in."""
    folder = project / "src" / "shop" / "defs" / "wrong"
    folder.mkdir()
    if words == ("check", "yaml"):  # of several files with one component it looks at the last
        words = (*words, str(folder))
    attributes = {"topic": "a", "broker": "a:9092"} | wrong
    (folder / "defs.yaml").write_text(yaml.safe_dump({"type": TYPE, "attributes": attributes}))
    try:
        checked = dg_command(project, *words)
    finally:
        shutil.rmtree(folder)
    assert checked.returncode != 0
    said = checked.stdout + checked.stderr
    assert told in said
    assert "wrong" in said


def test_two_ways_to_describe_a_stream_are_not_scaffolded(project):
    """The command says what to leave out, and writes nothing."""
    both = ("both", "--config", "gauge.yaml", "--topic", "a")
    made = dg_command(project, "scaffold", "defs", TYPE, *both)
    folder = project / "src" / "shop" / "defs" / "both"
    assert made.returncode == 2
    assert "Error: --config describes the streams: leave out --topic" in made.stdout + made.stderr
    assert list(folder.iterdir()) == []
    folder.rmdir()
    made = dg_command(project, "scaffold", "defs", TYPE, *both[:3])
    assert made.returncode == 0, made
    written = yaml.safe_load((folder / "defs.yaml").read_text())
    assert written["attributes"] == {"config": "gauge.yaml"}
    shutil.rmtree(folder)
