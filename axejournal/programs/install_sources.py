"""What apt's files say of where packages come from (sources.list(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator

Source = tuple[str, str, list[str], str]  # uri, suite, components, signed-by


def one_line_sources(text: str) -> Iterator[Source]:
    """Those of a sources.list."""
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)", line)
        if found:
            key = re.search(r"signed-by=(\S+)", found[1] or "", re.IGNORECASE)
            yield found[2], found[3], found[4].split(), key[1] if key else ""


def deb822_sources(text: str) -> Iterator[Source]:
    """Those of a *.sources file that are not switched off."""
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        pairs = (line.partition(":") for line in unfolded.splitlines() if ":" in line)
        fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        for suite in fields.get("suites", "").split():
            for uri in fields.get("uris", "").split():
                yield uri, suite, fields.get("components", "").split(), fields.get("signed-by", "")
