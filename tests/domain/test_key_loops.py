"""Who opens what when the machine is gone."""

from __future__ import annotations

from axejournal.domain.key_loops import PAPER, circles, dead_ends

FILE = "file /home/axe/pw"


def test_circle_is_told_once_and_is_whole():
    assert circles({"local": [FILE], FILE: ["local"]}) == ((FILE, "local", FILE),)


def test_circle_through_two_repositories_is_found():
    ways = {"local": ["a"], "ring": ["b"], "a": ["ring"], "b": ["local"]}
    assert circles(ways) == (("a", "ring", "b", "local", "a"),)


def test_paper_anywhere_on_the_way_breaks_the_circle():
    assert circles({"local": [FILE], FILE: ["local", "cold"], "cold": [PAPER]}) == ()
    assert circles({"local": [FILE, PAPER], FILE: ["local"]}) == ()


def test_password_that_nothing_backs_up_is_a_dead_end_and_no_circle():
    ways = {"local": ["keychain x"], "keychain x": [], "cold": [PAPER]}
    assert (circles(ways), dead_ends(ways, ("local", "cold"))) == ((), ("local",))
