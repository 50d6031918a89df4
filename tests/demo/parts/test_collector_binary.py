"""The collector is built once for a manifest and a Go, and where it cannot be, that is told.

The real build takes minutes: `make collector` does it. Here a script stands in for Go.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from streamgauge_demo.parts.collector_binary import (
    CollectorUnavailableError,
    find_collector,
    prepare_collector,
)

GO = """\
#!/bin/sh
if [ "$1" = env ]; then echo {version}; exit; fi
echo "$@" >> {log}
echo "$GOFLAGS" >> {log}
mktemp -d >/dev/null
echo "some output"
{build}
"""
BUILD = "mkdir -p build go/mod && echo binary > build/otelcol-streamgauge"


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache, no Go on the path, and a user's flags that would break the build.

    At the end nothing is left in the temporary folder.
    """
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    (tmp_path / "bin").mkdir()
    yield tmp_path / "cache" / "streamgauge"
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.fixture
def go(tmp_path):
    """Put a Go on the path: `go(version, build)`; gives the list of its runs, as it grows."""
    log = tmp_path / "runs"

    def install(version, build=BUILD):
        path = tmp_path / "bin" / "go"
        path.write_text(GO.format(version=version, build=build, log=log))
        path.chmod(0o755)
        return lambda: log.read_text().splitlines() if log.exists() else []

    return install


def kept(cache):
    """What is in the cache besides locks."""
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def test_is_built_once_for_each_go_and_found_without_any(go, cache, tmp_path):
    """The name tells the version; nothing else is kept; the newest is what `find` gives."""
    runs = go("go1.25.0")
    path = prepare_collector()
    assert prepare_collector() == path == find_collector()
    command, flags = runs()
    assert command.startswith("run go.opentelemetry.io/collector/cmd/builder@v")
    assert "-mod=vendor" not in flags
    assert path.name.endswith("-go1.25.0")
    assert path.read_text() == "binary\n"
    assert kept(cache) == [path.name]
    os.utime(path, (1, 1))

    go("go1.26.8")
    newer = prepare_collector()
    assert (len(runs()), newer.name) == (4, path.name.replace("1.25.0", "1.26.8"))
    (tmp_path / "bin" / "go").unlink()
    assert prepare_collector() == newer == find_collector()


def test_nothing_is_found_before_it_is_built():
    """The error tells what to do."""
    with pytest.raises(CollectorUnavailableError, match="make collector"):
        find_collector()


@pytest.mark.parametrize(
    ("version", "reason"), [("go1.24.9", "is go1.24.9; install Go 1.25"), ("devel", "is devel")]
)
def test_go_that_is_too_old_is_refused(go, version, reason):
    """The error shows what was found; it is never run."""
    runs = go(version)
    with pytest.raises(CollectorUnavailableError, match=reason):
        prepare_collector()
    assert runs() == []


@pytest.mark.parametrize("build", ["exit 1", "true", "kill -9 $$"])
def test_a_failed_build_tells_the_end_of_its_output(go, cache, build):
    """However it ended, nothing is kept, and the next call builds again."""
    go("go1.26.8", build)
    with pytest.raises(CollectorUnavailableError, match="failed; its output ends with:\nsome out"):
        prepare_collector()
    assert kept(cache) == []
    go("go1.26.8")
    assert prepare_collector().exists()


@pytest.mark.parametrize(("build", "code"), [(BUILD, 0), ("exit 1", 1)])
def test_the_command_tells_the_path_or_the_reason(go, cache, build, code):
    """As `make collector` runs it."""
    go("go1.26.8", build)
    command = [sys.executable, "-m", "streamgauge_demo.parts.collector_binary"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    if code:
        assert done.stderr.startswith("no OpenTelemetry Collector: the build by")
    else:
        path, took = done.stdout.splitlines()
        assert Path(path).parent == cache
        assert took.startswith("ready after ")
