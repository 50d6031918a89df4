"""What cannot be defined is told in plain words: what, where and what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import streamgauge_dagster
from streamgauge.config import ConfigError, load
from streamgauge_dagster import build_definitions

from .reporting import ORDERS


@pytest.mark.parametrize("text", [None, "kafka: [", "kafka: {bootstrap_servers: b:1}\nstreams: {}"])
def test_a_wrong_file_is_told_as_the_gauge_tells_it(tmp_path, text):
    """With the same words."""
    path = tmp_path / "streamgauge.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError) as of_the_gauge:
        load(path, {}, with_secrets=False)
    with pytest.raises(ConfigError) as of_definitions:
        build_definitions(path, environ={})
    assert str(of_definitions.value) == str(of_the_gauge.value)


def test_asset_keys_that_dagster_cannot_define_are_named(build):
    """Each of them, with the setting it stands in."""
    letters = [{"topic": "d", "asset_key": ["ü"]}, {"topic": "e", "asset_key": ["k", "x.y_z-1"]}]
    with pytest.raises(ConfigError) as refused:
        build(orders=ORDERS | {"asset_key": ["kafka", "a/b"], "dead_letters": letters})
    use = "use the characters A-Z a-z 0-9 _ . -"
    assert refused.value.problems == (
        f'streams.orders.asset_key: Dagster cannot define "a/b": {use}',
        f'streams.orders.dead_letters[0].asset_key: Dagster cannot define "\\u00fc": {use}',
    )


def test_asset_keys_that_are_one_to_dagster_are_named(build):
    """It tells `-`, `.` and `_` not apart."""
    with pytest.raises(ConfigError) as refused:
        build(
            one={"topic": "a", "asset_key": ["k", "a-b"]},
            two={"topic": "b", "asset_key": ["k", "a.b"]},
        )
    assert str(refused.value) == (
        "streams.two.asset_key: to Dagster it has the name of streams.one.asset_key, k__a_b: "
        "give one of the two another"
    )


@pytest.mark.parametrize(
    ("installed", "told"),
    [
        ("1.13.9", "needs dagster 1.13.10 or later, not 1.13.9; install it with: pip install"),
        ("1.8.0rc1", "needs dagster 1.13.10 or later, not 1.8.0rc1"),
        ("1.13.10", None),
        ("2.0.0", None),
        ("1!0+dev", None),
    ],
)
def test_a_dagster_that_is_too_old_is_named(tmp_path, installed, told):
    """When the package is imported; a build of unknown age is not held up."""
    metadata = tmp_path / f"dagster-{installed}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: dagster\nVersion: {installed}\n")
    done = _python("import streamgauge_dagster", PYTHONPATH=str(tmp_path))
    if told is None:
        assert done.returncode == 0, done.stderr
    else:
        assert done.stderr.splitlines()[-1].startswith(f"ImportError: streamgauge_dagster {told}")


def test_without_dagster_it_is_said_how_to_install_it():
    """As where only the sidecar is installed: without site-packages here."""
    service = Path(streamgauge_dagster.__file__).parents[1]
    done = _python("import streamgauge_dagster", options=["-S"], PYTHONPATH=str(service))
    assert done.stderr.splitlines()[-1] == (
        "ImportError: streamgauge_dagster needs dagster; install it with: "
        "pip install 'streamgauge[dagster]'"
    )


def test_nothing_is_warned_of(config_file):
    """The beta of what the definitions are made with is not the user's worry."""
    code = (
        "import sys\n"
        "from streamgauge_dagster import build_definitions\n"
        "defs = build_definitions(sys.argv[1], environ={})\n"
        "defs.resolve_implicit_global_asset_job_def()\n"
    )
    done = _python(code, str(config_file()), PYTHONWARNINGS="error")
    assert (done.returncode, done.stderr) == (0, "")


def _python(code, *arguments, options=(), **environ):
    return subprocess.run(
        [sys.executable, *options, "-c", code, *arguments],
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
