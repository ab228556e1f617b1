"""What is wrong with a configuration, as a person needs it: file, line, key, what is wrong, what to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, order=True)
class Fault:
    """One fault, or something that may be meant so (`warning`). `key` is empty when the file can't be read at all."""

    file: str
    line: int
    key: str
    message: str
    remedy: str
    kind: Literal["fault", "warning"] = "fault"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " + (f"{self.key}: " if self.key else "")
        warning = "warning: " if self.kind == "warning" else ""
        return f"{place}{warning}{self.message}; write: {self.remedy}"
