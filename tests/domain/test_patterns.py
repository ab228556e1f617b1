"""What `require:` patterns mean."""

from __future__ import annotations

import pytest

from axejournal.domain.patterns import compiled


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.pdf", "a.pdf", True),
        ("*.pdf", "sub/a.pdf", False),
        ("**/*.pdf", "a.pdf", True),
        ("**/*.pdf", "sub/deep/a.pdf", True),
        ("evidence", "evidence/2026/a.bin", True),
        ("evidence", "evidence2/a.bin", False),
        ("evidence/**", "evidence/x/y", True),
        ("evidence/**/x", "evidence/x", True),
        ("*/x", "a/b/x", False),
        ("계약/*.hwp", "계약/2026.hwp", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[x]", "[x]", True),
        ("a.b", "aXb", False),
        ("**", "anything/at/all", True),
        ("/rooted", "rooted", True),
    ],
)
def test_pattern_matches_as_documented(pattern, path, expected):
    assert (compiled(pattern).fullmatch(path) is not None) is expected
