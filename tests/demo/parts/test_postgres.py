"""The PostgreSQL part is a real one: it stores, ends whoever is connected, leaves nothing."""

import stat
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from streamgauge_demo.parts import postgres


@pytest.fixture
def temporary_folder(monkeypatch):
    """A temporary folder of this test alone; its path is short, for it has to hold sockets."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # where root starts it, nobody has to get there
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def programs(tmp_path):
    """A folder of programs that are one script: `programs(text)`."""

    def programs(script):
        for name in ("initdb", "postgres", "pg_isready", "pg_ctl"):
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        return tmp_path

    return programs


@pytest.mark.parametrize(("durable", "fsync"), [(False, "off"), (True, "on")])
def test_stores_until_it_is_stopped(temporary_folder, skip_unless_required, durable, fsync):
    """Though a client is still there."""
    try:
        server = postgres.launch_postgres(durable=durable)
    except postgres.PostgresUnavailableError as error:
        skip_unless_required("STREAMGAUGE_POSTGRES", "PostgreSQL", error)
    engine = create_engine(server.url)
    with server, engine.connect() as connection:
        connection.execute(text("create table told (number int)"))
        connection.execute(text("insert into told values (7)"))
        assert connection.execute(text("select number from told")).scalars().all() == [7]
        assert connection.execute(text("show fsync")).scalar() == fsync
        assert connection.execute(text("show listen_addresses")).scalar() == ""
        server.stop()
        connection.invalidate()
        with pytest.raises(OperationalError):
            engine.connect()
    engine.dispose()
    assert list(temporary_folder.iterdir()) == []


def test_failed_start_tells_why(temporary_folder, programs, monkeypatch):
    """What the program says is told; nothing is left."""
    monkeypatch.setattr(postgres, "_is_root", lambda: False)
    found = postgres.Postgres(programs("echo no locale; exit 3"), durable=False)
    with found, pytest.raises(RuntimeError, match="initdb failed: no locale"):
        found.start()
    script = "case $0 in *initdb|*pg_ctl) ;; *) echo out of shared memory; exit 3;; esac"
    found = postgres.Postgres(programs(script), durable=False)
    with found, pytest.raises(RuntimeError, match="log ends with:\nout of shared memory"):
        found.start()
    assert list(temporary_folder.iterdir()) == []


def test_newest_of_debian_is_found(tmp_path, monkeypatch):
    """Versions are numbers; and where there is none it is said what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "_is_root", lambda: False)
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path / "postgresql")
    with pytest.raises(postgres.PostgresUnavailableError, match="install PostgreSQL"):
        postgres.find_postgres()
    for version in ("9", "15", "14"):
        programs = tmp_path / "postgresql" / version / "bin"
        programs.mkdir(parents=True)
        (programs / "initdb").touch()
    assert postgres.find_postgres() == tmp_path / "postgresql" / "15" / "bin"


def test_root_needs_a_way_to_be_nobody(tmp_path, monkeypatch):
    """PostgreSQL refuses it."""
    (tmp_path / "initdb").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "_is_root", lambda: True)
    with pytest.raises(postgres.PostgresUnavailableError, match="setpriv"):
        postgres.find_postgres()
