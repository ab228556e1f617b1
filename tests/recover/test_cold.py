"""A machine out of a cold disk, which nobody has to write the path of: by the configuration, or by the mark on the disk."""

from __future__ import annotations

import shutil
import subprocess

from tests.world.disks import PAPER, Drawer
from tests.world.needs import need
from tests.world.terminal import at_terminal

MOUNTED = "mount -t tmpfs tmpfs /mnt; mkdir /mnt/axe-cold-2 /mnt/other; mount -o loop IMAGE /mnt/axe-cold-2"
"""In a mount namespace of its own: nobody else sees it, and it is gone with the last process there."""


def test_cold_disk_is_found_by_the_configuration_and_on_a_naked_machine_by_its_mark(drawer: Drawer):
    need("unshare", "root")
    world = drawer.world
    none = world.axej("recover", "--from", "cold", "--dry-run", expect=50).stderr
    assert "no disk of tier cold is connected" in none
    world.config["tiers"]["cold"]["repository"] = "copies/axe"
    world.write()
    disk = drawer.prepared("2")
    drawer.sync("2")
    place = f"{disk.mount}/copies/axe"
    code, said = at_terminal(world, [(f"password of {place}:", PAPER)], "recover", "--from", "cold", "--dry-run")
    assert (code, "nothing is touched" in said) == (0, True), said
    assert f"taken: disk 2 of axe at {disk.mount}, its repository {place}" in said

    disk.eject()
    for path in (world.state, world.files):
        shutil.rmtree(path)
    world.config_path.unlink()
    paper = world.folder / "paper"
    paper.write_text(f"{PAPER}\n")
    naked = world.axej("recover", "--from", "cold", "--password-file", str(paper), "--yes", expect=50).stderr
    assert "no cold disk is connected: no disk in /Volumes, /media" in naked
    words = [*world.axej_words, "recover", "--from", "cold", "--password-file", str(paper), "--yes"]
    script = f'set -e; {MOUNTED.replace("IMAGE", str(disk.image))}; exec "$@"'
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *words]
    done = subprocess.run(argv, env=world.environ({}), cwd=world.folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "taken: disk 2 of axe at /mnt/axe-cold-2, its repository /mnt/axe-cold-2/copies/axe" in done.stderr
    assert (world.files / "photo.bin").read_bytes() == bytes(range(256)) * 400
    assert [run["outcome"] for run in world.json("history", "--job", "recover")] == ["succeeded"]
