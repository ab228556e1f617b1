"""Our reading of restic's exclude files against restic itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from axejournal.config import excludes
from axejournal.config.excludes import Excludes
from axejournal.programs.install import find_program
from tests.world.needs import need
from tests.world.quick_key import make_quick

NAMES = (
    *("a.tmp", "b.txt", "d/a.tmp", "d/e/f.txt", "d/e/g.pdf", "cache/x/y.bin", "[odd]/z", "~/q", "sp ace/k", "-x/y", "D/upper"),
    *("한글/파일.txt", "a$b/c", "home/u/cache/1", "x/y/z/w", "star*/s", "node_modules/p/q", "!neg", "back\\slash", "~lock"),
)
CASES = (
    *(
        ["*.tmp"],
        ["ROOT/d"],
        ["d/e"],
        ["e/*.pdf"],
        ["~/q"],
        ["~*"],
        ["./d/e"],
        ["d/"],
        ["**/f.txt"],
        ["d/**/g.pdf"],
        ["/**"],
        ["/"],
    ),
    *(
        ["**"],
        ["*"],
        ["x/**"],
        ["x/**/w"],
        ["y/**/w"],
        ["[odd]"],
        ["\\[odd\\]"],
        ["[a-c].t*"],
        ["[^a].t*"],
        ["[!a].t*"],
        ["한글"],
    ),
    *(["?.txt"], ["a$$b"], ["$FOLDER"], ["${FOLDER}/x"], ["$NOPE"], ["${}x"], ["$-x"], ["$1"], ["a${b"], ["*$*"], ["a$"]),
    *(["*.txt", "!b.txt"], ["d", "!d/e/f.txt"], ["d/*", "!d/e"], ["*", "!*.txt"], ["**/", "!d"], ["!*.txt"], ["\\!neg"], ["!"]),
    *(["star\\*"], ["  *.tmp  "], ["#x", "*.pdf"], ["d/../x"], ["**/**/w"], ["x/**/**/w"], ["d**"], ["x//y"], ["ROOT/*/e"]),
    *(
        ["[a"],
        ["a["],
        ["[]"],
        ["[a-]"],
        ["[-a]"],
        ["\\"],
        ["a\\"],
        ["[z-a]x"],
        ["[\\]a]*"],
        ["[a-c-e]*"],
        ["**/d/**"],
        ["*/*"],
        [""],
    ),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str], str]:
    """A tree, the environment of a restic with a repository, and restic."""
    need("restic")
    program = find_program("restic")
    folder = tmp_path_factory.mktemp("excludes")
    for name in NAMES:
        file = folder / "root" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "FOLDER": "cache", "RESTIC_PASSWORD": "x"}
    environment |= {"RESTIC_REPOSITORY": str(folder / "repository"), "RESTIC_CACHE_DIR": str(folder / "cache")}
    subprocess.run([str(program), "init", "-q", "--no-cache"], env=environment, check=True)
    make_quick(folder / "repository", "x")
    return folder, environment, str(program)


@pytest.mark.parametrize("lines", CASES, ids=" ".join)
def test_excludes_leave_out_what_restic_leaves_out(
    world: tuple[Path, dict[str, str], str], lines: list[str], monkeypatch: pytest.MonkeyPatch
):
    folder, environment, restic = world
    root, file = folder / "root", folder / "excludes"
    for name in set(os.environ) - set(environment):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file.write_text("\n".join(line.replace("ROOT", str(root)) for line in lines) + "\n")
    words = [restic, "backup", "--dry-run", "-vv", "--json", "--force", "--exclude-file", str(file), str(root)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    patterns = excludes.read(file)
    malformed = [pattern for pattern in patterns if excludes.malformation(pattern)]
    assert bool(malformed) == (done.returncode != 0), done.stderr
    if malformed:
        return
    said = [json.loads(line) for line in done.stdout.splitlines()]
    stored = {item["item"].rstrip("/") for item in said if item["message_type"] == "verbose_status"}
    files = {str(path) for path in root.rglob("*") if path.is_file()}
    ours = Excludes(patterns)
    assert {path for path in files if not ours.hides(path, str(root))} == stored & files


def test_hider_names_the_line_that_hides(tmp_path: Path):
    file = tmp_path / "excludes"
    file.write_text("# comment\n\n*.tmp\n/data/cache\n")
    ours = Excludes(excludes.read(file))
    found = ours.hider("/data/cache/x")
    assert found is not None
    assert (found.line, found.written) == (4, "/data/cache")
    assert ours.hider("/data/other") is None
