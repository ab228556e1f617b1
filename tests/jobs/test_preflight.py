"""The step that looks before anything is touched."""

from __future__ import annotations

import pytest

from axejournal.domain.errors import DiskFull, RepositoryForeign, RepositoryMissing
from axejournal.domain.ports import LastPhysical
from axejournal.jobs.steps.dump_database import DumpDatabase
from axejournal.jobs.steps.preflight import (
    DUMP_PER_DATABASE_BYTE,
    EMPTY_SERVER_BYTES,
    GROWTH,
    SPARE_BYTES,
    Preflight,
)
from tests.contract.fake_repository import FolderRepository
from tests.jobs.small import SizedDisk, moment


def test_preflight_tells_version_repository_and_room(small):
    fact = small.act(Preflight(small.kit))
    assert (fact.restic, fact.repository, fact.free_bytes) == ("0.18.1", small.repository.identity(), 10**12)
    assert (fact.unreachable, fact.leftovers) == ({}, ())


def test_first_estimate_is_by_the_databases_sizes(small):
    sizes = [server.database_size_bytes(name) for name, server in small.servers.items()]
    assert small.act(Preflight(small.kit)).needed_bytes == SPARE_BYTES + sum(int(size * DUMP_PER_DATABASE_BYTE) for size in sizes)


def test_later_estimate_is_by_the_last_dumps(small):
    small.memory.dumps = {name: small.act(DumpDatabase(small.kit, small.plan(name))) for name in small.servers}
    wanted = sum(int(fact.size_bytes * GROWTH) for fact in small.memory.dumps.values())
    assert small.act(Preflight(small.kit)).needed_bytes == SPARE_BYTES + wanted


def test_estimate_counts_a_physical_copy_too(small):
    without = small.act(Preflight(small.kit)).needed_bytes
    small.settings["databases"] = (small.plan("frame", physical_days=7), small.plan("hive"))
    size = small.servers["frame"].database_size_bytes("frame")
    assert small.act(Preflight(small.kit)).needed_bytes == without + size + EMPTY_SERVER_BYTES
    small.memory.physical["frame"] = LastPhysical(moment(1), 50_000_000)
    assert small.act(Preflight(small.kit)).needed_bytes == without + int(50_000_000 * GROWTH)


def test_disk_that_is_too_small_is_refused_before_anything_is_dumped(small):
    needed = small.act(Preflight(small.kit)).needed_bytes
    small.disk = SizedDisk(needed)
    small.act(Preflight(small.kit))
    small.disk = SizedDisk(needed - 1)
    with pytest.raises(DiskFull, match=f"{needed - 1:,} bytes are free and the dumps may need {needed:,}"):
        small.act(Preflight(small.kit))
    assert not {"dump", "dump_roles"} & {call for server in small.servers.values() for call in server.calls}


def test_repository_of_another_id_is_refused(small):
    small.memory.repository = "f" * 64
    with pytest.raises(RepositoryForeign, match="not the recorded ffffffff") as caught:
        small.act(Preflight(small.kit))
    assert "axej init --adopt local" in caught.value.hint
    small.memory.repository = small.repository.identity()
    small.act(Preflight(small.kit))


def test_missing_repository_is_not_made(small):
    small.repository = FolderRepository(small.folder / "elsewhere")
    with pytest.raises(RepositoryMissing):
        small.act(Preflight(small.kit))
    assert not (small.folder / "elsewhere").exists()


def test_leftovers_of_a_dead_run_are_swept_and_named_and_a_link_s_target_stays(small):
    (small.staging / "frame.partial" / "dump").mkdir(parents=True)
    (small.staging / "frame.partial" / "dump" / "1.dat").write_text("rows")
    (small.staging / "file").touch()
    (small.staging / "link").symlink_to(small.files)
    small.staging.chmod(0o755)
    assert small.act(Preflight(small.kit)).leftovers == ("file", "frame.partial", "link")
    assert list(small.staging.iterdir()) == []
    assert small.staging.stat().st_mode & 0o777 == 0o700
    assert len(list(small.files.rglob("*.csv"))) == 2


def test_unreachable_server_is_noted_and_stops_nothing(small):
    small.servers["hive"].is_up = False
    assert small.act(Preflight(small.kit)).unreachable == {"hive": "the server does not answer"}
