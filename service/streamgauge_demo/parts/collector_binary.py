"""The OpenTelemetry Collector's binary, made once by its own builder from `otelcol/manifest.yaml`.

Only the binary is kept (39 MB). Go's caches for it live in a temporary folder: they are 3 GB, which
nobody needs until the manifest or Go changes.
"""

from __future__ import annotations

import hashlib
import platform
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import yaml

from streamgauge_demo.parts.cache import cache_folder, make_once
from streamgauge_demo.parts.child import Child

MANIFEST: Final = Path(__file__).parent / "otelcol" / "manifest.yaml"

_BUILDER: Final = "go.opentelemetry.io/collector/cmd/builder"
_OLDEST_GO: Final = 25
"""The collector's modules of the manifest's version need Go 1.25 (their go.mod files)."""
_BUILD_TIMEOUT_SECONDS: Final = 1_800.0
_VERSION_TIMEOUT_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.1


class CollectorUnavailableError(RuntimeError):
    """There is no collector here; the message says why and what would help."""


def find_collector() -> Path:
    """Give the newest binary that is in the cache for the manifest; needs no Go.

    Raises:
        CollectorUnavailableError: there is none.
    """
    beside = cache_folder().glob(f"{_name()}-go*")
    found = [path for path in beside if path.suffix != ".lock"]
    if not found:
        raise CollectorUnavailableError(
            "none is built for its manifest; `make collector` builds it with Go 1.25 or later"
        )
    return max(found, key=lambda path: path.stat().st_mtime)


def prepare_collector() -> Path:
    """Give the binary of the installed Go, which is built first if it is not in the cache.

    The build takes minutes; parallel calls, also of other processes, wait for the first one.
    Where no Go can build it, any binary that is in the cache for the manifest will do.

    Raises:
        CollectorUnavailableError: no Go and none in the cache, or the build failed.
    """
    try:
        executable, version = _find_go()
    except CollectorUnavailableError as no_go:
        try:
            return find_collector()
        except CollectorUnavailableError:
            raise no_go from None
    return make_once(f"{_name()}-{version}", lambda folder: _build(executable, folder))


def _name() -> str:
    """Name what the binary depends on, but for the version of Go."""
    key = hashlib.sha256(MANIFEST.read_bytes()).hexdigest()[:12]
    return f"otelcol-{key}-{sys.platform}-{platform.machine()}"


def _find_go() -> tuple[str, str]:
    """Give the executable and its version, such as `go1.26.8`."""
    executable = shutil.which("go")
    if executable is None:
        raise CollectorUnavailableError("no go on the PATH; install Go 1.25 or later")
    asked = subprocess.run(  # noqa: S603 - a found executable with our own arguments
        [executable, "env", "GOVERSION"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_VERSION_TIMEOUT_SECONDS,
        check=False,
        text=True,
        errors="replace",
        cwd=MANIFEST.parent,  # where no go.mod asks for another version
    )
    version = re.match(r"go1\.(\d+)[\w.-]*", asked.stdout)
    if version is None or int(version[1]) < _OLDEST_GO:
        raise CollectorUnavailableError(
            f"{executable} is {asked.stdout.strip()[-200:]}; install Go 1.25 or later"
        )
    return executable, version[0]


def _build(go: str, folder: Path) -> Path:
    distribution = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["dist"]
    builder = f"{_BUILDER}@v{distribution['version']}"
    child = Child([go, "run", builder, "--config", str(MANIFEST)], folder, _environment(folder))
    try:
        deadline = time.monotonic() + _BUILD_TIMEOUT_SECONDS
        while child.running and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        binary = Path(folder, distribution["output_path"], distribution["name"])
        if child.running or not binary.exists():
            failure = f"took over {_BUILD_TIMEOUT_SECONDS:.0f} s" if child.running else "failed"
            raise CollectorUnavailableError(
                f"the build by {go} {failure}; its output ends with:\n{child.log_tail()}"
            )
    finally:
        child.kill()
    return binary


def _environment(folder: Path) -> dict[str, str]:
    """Give what keeps a user's settings out of the build, and the build out of Go's own folders."""
    return {
        "GOTOOLCHAIN": "local",  # the version in the binary's name is that of the compiler
        "GOWORK": "off",
        "GOFLAGS": "-modcacherw -buildvcs=false",  # so that the folder can be removed, even in git
        "CGO_ENABLED": "0",
        "GOPATH": str(folder / "go"),
        "GOMODCACHE": str(folder / "go" / "mod"),
        "GOCACHE": str(folder / "go" / "cache"),
        "TMPDIR": str(folder),  # where the builder leaves an empty folder
    }


def _main() -> None:
    began = time.monotonic()
    try:
        path = prepare_collector()
    except CollectorUnavailableError as error:
        sys.exit(f"no OpenTelemetry Collector: {error}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stdout.write(
        f"{path}\nready after {time.monotonic() - began:.1f} s, "
        f"{used.ru_utime + used.ru_stime:.1f} s of CPU\n"
    )


if __name__ == "__main__":
    _main()
