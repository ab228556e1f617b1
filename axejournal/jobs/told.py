"""What jobs add to the messages about their runs, by the job's name."""

from __future__ import annotations

from collections.abc import Mapping

from axejournal.domain.message import Facts

FACTS: Mapping[str, Facts] = {}
