"""Tables of every kind, damaged and restored: rows, fingerprints and the schema are as they were."""

from __future__ import annotations

import pytest

from tests.world.samples import DATA

DAMAGES = {  # table -> what is done to it
    "every_type": "UPDATE every_type SET double = 1, spot = '(0,0)', cost = ROW(2, 'USD'), doc = '[]' WHERE id = 2;"
    "DELETE FROM every_type WHERE id IN (1, 4); INSERT INTO every_type (mail) VALUES ('z@z')",
    "made": "DELETE FROM made WHERE id <= 3; UPDATE made SET a = a + 100 WHERE id > 15; INSERT INTO made (a) VALUES (7)",
    "draws_one": "DELETE FROM draws_one; INSERT INTO draws_one DEFAULT VALUES",
    "events": "DELETE FROM events WHERE id = 1; UPDATE events SET at = '2031-01-01' WHERE id = 2; UPDATE events SET note = 'x'",
    "events_2025": "UPDATE events_2025 SET note = 'y'",
    "parent": "UPDATE ONLY parent SET label = 'x'",
    "child": "DELETE FROM child WHERE id = 2",
    "hen": "UPDATE hen SET egg = NULL",
    "folder": "UPDATE folder SET inside = NULL; DELETE FROM folder WHERE id = 2; INSERT INTO folder VALUES (9, 3)",
    "booking": "UPDATE booking SET span = '[2026-05-20 03:30, 2026-05-20 05:00)'",
    "audited": "DELETE FROM audited WHERE id = 1; ALTER TABLE audited DISABLE TRIGGER noted; UPDATE audited SET note = 'x';"
    "ALTER TABLE audited ENABLE TRIGGER noted",
    "tenant": "UPDATE tenant SET secret = 'told'",
    "no_rows": "INSERT INTO no_rows VALUES (1)",
    "no_columns": "INSERT INTO no_columns DEFAULT VALUES",
    "no_key": "DELETE FROM no_key WHERE a = 1",
    "fast": "UPDATE fast SET n = 3",
    "axej_table": "UPDATE axej_table SET t = 'x'",
    "toasted": "UPDATE toasted SET raw = 'x', stored = NULL WHERE id = 1",
    "dropped": "UPDATE dropped SET b = 6",
    "wide": "UPDATE wide SET c200 = 1",
    "trap": "UPDATE trap SET feeling = 'sad', cost = NULL",
    "DATA.TABLE DATA public x": """UPDATE "DATA"."TABLE DATA public x" SET "it's" = 'x'""",
    '"한국어; DROP"."급여\n원장"': """DELETE FROM "한국어; DROP"."급여\n원장" WHERE "번호" = 2""",
    "has space.-dash $HOME `id`": """DELETE FROM "has space"."-dash $HOME `id`" """,
}
NAMES = tuple(DAMAGES)
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_table_of_every_kind_is_as_it_was(restores, part):
    frame = restores(file=DATA / "torture.sql")
    before = frame.state()
    for name in NAMES[part::PARTS]:
        frame.sql(DAMAGES[name])
        assert frame.state() != before, f"{name} was not damaged"
        frame.restore(name)
        assert frame.state() == before, name
    assert not [schema for schema in frame.schemas() if schema.startswith("axej_restore_")]
