"""A real nightly backup while the world outside does not answer: it is not held up, and what it had to say is said later."""

from __future__ import annotations

import time

from tests.world import web as answers
from tests.world.home import World
from tests.world.web import Web


def test_backup_succeeds_in_time_while_nobody_answers_and_the_watch_hears_of_it_later(world: World, web: Web):
    world.axej("backup", "--local", expect=0)
    begin = time.monotonic()
    world.axej("backup", "--local", expect=0)
    undisturbed_s = time.monotonic() - begin
    (world.folder / "ping").write_text(web.url("/uuid"))
    world.config["notify"] = {"ping": {"local": {"file": str(world.folder / "ping")}}}
    world.config["tiers"]["local"]["schedule"] = "0 3 1 1 *"
    world.write()
    web.answer = answers.HANGS
    begin = time.monotonic()
    world.axej("backup", "--local", expect=0)
    assert time.monotonic() - begin < undisturbed_s + 12
    assert [path for _, path, _ in web.asked] == ["/uuid/start", "/uuid"]
    web.answer = answers.OK
    world.axej("notify", "send", expect=0)
    assert [path for _, path, _ in web.asked[2:]] == ["/uuid"]
    assert [run["outcome"] for run in world.json("history", "--job", "notify")] == ["succeeded", "degraded"]


def test_source_that_is_gone_is_told_as_degraded_with_its_reason(world: World, web: Web):
    world.config["notify"] = {"slack": {"command": ["/bin/echo", web.url()]}}
    world.config["tiers"]["local"]["schedule"] = "0 3 1 1 *"
    world.add_source("hive", kind="postgres", socket="/nowhere", user="postgres", database="hive")
    world.axej("backup", "--local", expect=3)
    (text,) = web.texts
    assert text.startswith(":rotating_light: *axe: backup.local is degraded*\n• dump:hive failed: ")
    assert '*Next:* "axej history ' in text
    world.axej("notify", "pending", expect=0)


def test_real_drill_is_told_and_is_the_evidence_of_the_report(world: World, web: Web):
    world.config["notify"] = {"slack": {"command": ["/bin/echo", web.url()]}}
    world.config["tiers"]["local"]["schedule"] = "0 3 1 1 *"
    world.config["drill"] = {"schedule": "0 3 1 1 *", "rto": "4h"}
    world.write()
    world.axej("backup", "--local", expect=0)
    said = world.axej("drill")
    assert said.returncode in (0, 3), said.stderr
    (text,) = web.texts
    assert "restore.drill" in text and "• local: 2 of 2 sources came back in" in text
    report = world.json("report")
    (drill,) = report["drills"]
    assert [(each["source"], each["passed"], each["proof"]) for each in drill["sources"]] == [
        ("files", True, "verified"),
        ("frame", True, "verified"),
    ]
    assert 0 < report["restore_s"] < 300 and report["rto_s"] == 14400
    assert report["journal"]["faults"] == []
    assert {gap["kind"] for gap in report["gaps"]} == {"not_read"}
    assert "<svg" not in world.axej("report", "--html", "-", expect=0).stdout  # one night makes no curve
