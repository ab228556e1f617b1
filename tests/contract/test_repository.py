"""What every `Repository` keeps to: restic, and the folder that stands in for it in other tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from axejournal.domain.errors import ProgramFailed, RepositoryMissing, RestorePointMissing, UsageFault
from axejournal.domain.ports import BackupOrder, Progress, Repository, Stored
from tests.contract import restics
from tests.contract.fake_repository import FolderRepository

Make = Callable[[str], Repository]
HOSTILE = ("plain", "with space", "[glob]*?", "back\\slash", "-dash", "한국어", "quote\"'", "new\nline", "!not", "**")


@pytest.fixture(params=["folder", "restic"])
def unmade(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Names a repository that is not there yet."""
    if request.param == "folder":
        return lambda name: FolderRepository(tmp_path / name)
    program = request.getfixturevalue("restic")
    return lambda name: restics.unmade(program, tmp_path, name)


@pytest.fixture
def make(request: pytest.FixtureRequest, unmade: Make) -> Make:
    """Gives an empty repository: "first", "second"."""

    def made(name: str) -> Repository:
        repository = unmade(name)
        if isinstance(repository, FolderRepository):
            repository.initialise()
        else:
            shutil.copytree(request.getfixturevalue("templates") / name, repository.place)
        return repository

    return made


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A folder with a few files in it."""
    folder = tmp_path / "data"
    (folder / "sub").mkdir(parents=True)
    (folder / "one.txt").write_text("one")
    (folder / "sub" / "two.log").write_text("two two")
    (folder / "link").symlink_to("one.txt")
    return folder


def _quiet(_: Progress) -> None:
    return


def _backup(repository: Repository, *paths: Path, tags: tuple[str, ...] = (), excludes: tuple[Path, ...] = ()) -> Stored:
    return repository.backup(BackupOrder(paths, tags, "a-host", excludes), _quiet)


def test_initialise_on_nothing_gives_the_id_that_stays(unmade: Make) -> None:
    made = unmade("first")
    identity = made.initialise()
    assert len(identity) == 64 and int(identity, 16)
    assert made.identity() == identity
    second = unmade("second")
    assert second.initialise(like=made) != identity


def test_initialise_where_a_repository_is_changes_nothing(make: Make) -> None:
    repository = make("first")
    identity = repository.identity()
    with pytest.raises(UsageFault, match="already"):
        repository.initialise()
    assert repository.identity() == identity


CALLS: dict[str, Callable[[Repository, Path], object]] = {
    "identity": lambda repository, _: repository.identity(),
    "snapshots": lambda repository, _: repository.snapshots(),
    "backup": lambda repository, folder: _backup(repository, folder),
    "listing": lambda repository, _: list(repository.listing("abcd")),
    "restore": lambda repository, folder: repository.restore("abcd", ["/a"], folder, _quiet),
    "forget": lambda repository, _: repository.forget(["abcd"]),
    "prune": lambda repository, _: repository.prune(),
    "check": lambda repository, _: repository.check(),
    "repair_index": lambda repository, _: repository.repair_index(),
    "locks": lambda repository, _: repository.locks(),
    "unlock_dead": lambda repository, _: repository.unlock_dead(lambda lock: True),
    "size_bytes": lambda repository, _: repository.size_bytes(),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_call_without_a_repository_says_so_and_makes_none(unmade: Make, data: Path, name: str) -> None:
    repository = unmade("first")
    with pytest.raises(RepositoryMissing) as caught:
        CALLS[name](repository, data)
    assert repository.place in caught.value.message and caught.value.hint
    assert not Path(repository.place).exists()


def test_copy_from_without_a_target_makes_none(unmade: Make, make: Make, data: Path) -> None:
    source = make("first")
    stored = _backup(source, data)
    with pytest.raises(RepositoryMissing, match="second"):
        unmade("second").copy_from(source, stored.snapshot, _quiet)
    assert not Path(unmade("second").place).exists()


def test_backup_of_a_folder_counts_and_is_found_by_its_tags(make: Make, data: Path) -> None:
    repository = make("first")
    before = datetime.now(UTC)
    stored = _backup(repository, data, tags=("run=r1", "customer=axe & co"))
    _backup(repository, data, tags=("run=r2",))
    (found,) = repository.snapshots(["run=r1", "customer=axe & co"])
    assert (found.id, found.host, found.paths) == (stored.snapshot, "a-host", (str(data),))
    assert found.tag("run") == "r1" and found.tag("customer") == "axe & co" and found.original is None
    assert before <= found.time <= datetime.now(UTC)
    assert stored.size_bytes == found.size_bytes == 10
    counted = (stored.files, stored.added_bytes, stored.stored_bytes)
    assert counted == (found.files, found.added_bytes, found.stored_bytes) and found.files == 2
    assert stored.unreadable == ()
    assert [one.tag("run") for one in repository.snapshots()] == ["r1", "r2"]
    assert repository.snapshots(["run=r1", "run=r2"]) == ()
    assert repository.size_bytes() > 0


def test_backup_with_a_path_missing_keeps_the_rest_and_says_which(make: Make, data: Path) -> None:
    repository = make("first")
    stored = _backup(repository, data, data / "gone")
    assert len(stored.unreadable) == 1 and str(data / "gone") in stored.unreadable[0]
    assert [one.id for one in repository.snapshots()] == [stored.snapshot]


def test_backup_with_every_path_missing_makes_no_snapshot(make: Make, data: Path) -> None:
    repository = make("first")
    with pytest.raises(ProgramFailed, match="do not exist"):
        _backup(repository, data / "gone")
    assert repository.snapshots() == ()


def test_backup_with_an_exclude_file_leaves_out_what_it_names(make: Make, data: Path, tmp_path: Path) -> None:
    repository = make("first")
    excludes = tmp_path / "excludes"
    excludes.write_text(f"# what is not worth keeping\n*.log\n{data}/link\n")
    stored = _backup(repository, data, excludes=(excludes,))
    paths = {node.path for node in repository.listing(stored.snapshot, str(data))}
    assert paths == {f"{data}/one.txt", f"{data}/sub"}


def test_backup_with_its_exclude_file_missing_makes_no_snapshot(make: Make, data: Path, tmp_path: Path) -> None:
    repository = make("first")
    with pytest.raises(ProgramFailed, match="nowhere"):
        _backup(repository, data, excludes=(tmp_path / "nowhere",))
    assert repository.snapshots() == ()


def test_listing_gives_absolute_paths_kinds_and_sizes(make: Make, data: Path) -> None:
    repository = make("first")
    stored = _backup(repository, data)
    nodes = {node.path: node for node in repository.listing(stored.snapshot)}
    assert {str(parent) for parent in data.parents} - {"/"} <= set(nodes)
    kinds = {
        path.removeprefix(str(data)): (node.kind, node.size_bytes) for path, node in nodes.items() if path.startswith(f"{data}/")
    }
    assert kinds == {"/one.txt": ("file", 3), "/sub": ("dir", 0), "/sub/two.log": ("file", 7), "/link": ("symlink", 0)}
    modified = nodes[f"{data}/one.txt"].modified_at
    assert modified is not None and abs(modified.timestamp() - (data / "one.txt").stat().st_mtime) < 0.001


def test_listing_of_a_folder_is_below_it_only(make: Make, data: Path) -> None:
    repository = make("first")
    (data / "sub-more").write_text("beside")
    stored = _backup(repository, data)
    assert [node.path for node in repository.listing(stored.snapshot, f"{data}/sub")] == [f"{data}/sub/two.log"]
    assert list(repository.listing(stored.snapshot, f"{data}/nowhere")) == []


def test_listing_left_early_does_no_harm(make: Make, data: Path) -> None:
    repository = make("first")
    stored = _backup(repository, data)
    nodes = repository.listing(stored.snapshot)
    next(nodes)
    nodes.close()  # type: ignore[attr-defined]  # the port promises an iterator; both give a generator
    assert len(list(repository.listing(stored.snapshot, str(data)))) == 4


def test_an_unknown_snapshot_is_a_missing_restore_point(make: Make, data: Path, tmp_path: Path) -> None:
    first, second = make("first"), make("second")
    _backup(first, data)
    unknown = "0123abcd" * 8
    for call in (
        lambda: list(first.listing(unknown)),
        lambda: first.restore(unknown, [str(data)], tmp_path / "target", _quiet),
        lambda: second.copy_from(first, unknown, _quiet),
    ):
        with pytest.raises(RestorePointMissing):
            call()
    assert second.snapshots() == ()


def test_hostile_names_are_stored_listed_and_restored_as_they_are(make: Make, tmp_path: Path) -> None:
    repository = make("first")
    data = tmp_path / "data [x]"
    for name in HOSTILE:
        (data / name).mkdir(parents=True)
        (data / name / f"{name} file").write_text(name)
    stored = _backup(repository, data)
    assert {node.path for node in repository.listing(stored.snapshot, str(data))} == {
        path for name in HOSTILE for path in (f"{data}/{name}", f"{data}/{name}/{name} file")
    }
    for name in HOSTILE:
        inside = [node.path for node in repository.listing(stored.snapshot, f"{data}/{name}")]
        assert inside == [f"{data}/{name}/{name} file"]
    target = tmp_path / "target"
    chosen = [f"{data}/[glob]*?", f"{data}/**/** file", f"{data}/back\\slash"]
    repository.restore(stored.snapshot, chosen, target, _quiet)
    restored = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    inside = str(data).lstrip("/")
    assert restored == {f"{inside}/{name}/{name} file" for name in ("[glob]*?", "**", "back\\slash")}


def test_restore_of_nothing_named_brings_all(make: Make, data: Path, tmp_path: Path) -> None:
    repository = make("first")
    stored = _backup(repository, data)
    target = tmp_path / "target"
    seen: list[Progress] = []
    repository.restore(stored.snapshot, [], target, seen.append)
    restored = target / str(data).lstrip("/")
    assert (restored / "one.txt").read_text() == "one"
    assert (restored / "sub" / "two.log").read_text() == "two two"
    assert (restored / "link").readlink() == Path("one.txt")
    assert all(0 <= step.done_bytes <= (step.of_bytes or step.done_bytes) for step in seen)


def test_restore_of_a_path_that_is_not_in_the_snapshot_says_which(make: Make, data: Path, tmp_path: Path) -> None:
    repository = make("first")
    stored = _backup(repository, data)
    target = tmp_path / "target"
    left_over = target / f"{data}/nowhere".lstrip("/")
    left_over.parent.mkdir(parents=True)
    left_over.write_text("of an earlier attempt")
    for _ in range(2):  # the second time everything that can be there is there
        with pytest.raises(RestorePointMissing, match="nowhere") as caught:
            repository.restore(stored.snapshot, [f"{data}/sub", f"{data}/nowhere"], target, _quiet)
        assert f"{data}/sub" not in caught.value.message
    assert (target / f"{data}/sub/two.log".lstrip("/")).read_text() == "two two"


def test_restore_again_over_a_changed_file_brings_it_back(make: Make, data: Path, tmp_path: Path) -> None:
    repository = make("first")
    stored = _backup(repository, data)
    target = tmp_path / "target"
    repository.restore(stored.snapshot, [str(data)], target, _quiet)
    changed = target / f"{data}/one.txt".lstrip("/")
    changed.write_text("cut")
    repository.restore(stored.snapshot, [str(data)], target, _quiet)
    assert changed.read_text() == "one"


def test_copy_keeps_time_tags_and_content_and_adds_nothing_the_second_time(make: Make, data: Path, tmp_path: Path) -> None:
    first, second = make("first"), make("second")
    stored = _backup(first, data, tags=("run=r1", "slot=2026-05-20T03:00+09:00"))
    _backup(first, data, tags=("run=r2",))
    for _ in range(2):
        second.copy_from(first, stored.snapshot, _quiet)
    (copied,) = second.snapshots()
    (source,) = first.snapshots(["run=r1"])
    assert (copied.original, copied.time, copied.tags, copied.host) == (source.id, source.time, source.tags, source.host)
    second.restore(copied.id, [str(data)], tmp_path / "target", _quiet)
    assert (tmp_path / "target" / f"{data}/sub/two.log".lstrip("/")).read_text() == "two two"


def test_forget_removes_exactly_these_and_prune_their_data(make: Make, data: Path) -> None:
    repository = make("first")
    kept = _backup(repository, data)
    (data / "more").write_bytes(b"x" * 300_000)
    removed = _backup(repository, data)
    with_both = repository.size_bytes()
    unknown = "0123abcd" * 8
    assert repository.forget([removed.snapshot, unknown]).removed == (removed.snapshot,)
    assert [one.id for one in repository.snapshots()] == [kept.snapshot]
    freed = repository.prune().freed_bytes
    assert freed is not None and freed > 0
    assert repository.size_bytes() < with_both
    assert repository.forget([removed.snapshot]).removed == () == repository.forget([]).removed
    assert {node.path for node in repository.listing(kept.snapshot, str(data))} >= {f"{data}/one.txt"}


def test_a_sound_repository_has_no_faults_and_no_locks(make: Make, data: Path) -> None:
    repository = make("first")
    _backup(repository, data)
    assert repository.check() == () == repository.check(1, 2)
    repository.repair_index()
    assert repository.locks() == ()
    assert repository.unlock_dead(lambda lock: True) == ()
