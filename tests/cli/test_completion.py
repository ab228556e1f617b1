"""Completion in real shells, and the command reference that is made from the help."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from axejournal.cli import main
from tests.cli.test_help import commands

REFERENCE = Path(__file__).parents[2] / "runbooks" / "reference" / "commands.md"
MAKE = "python -m tests.cli.test_completion"
HEAD = """# Commands

Made from the help of each command (`{make}`); a test keeps it equal. `axe` is the same program as `axej`.
Every command ends with one of these codes:

```text
{codes}
```
"""


def reference() -> str:
    """The whole page."""
    codes = "\n".join(line for line in main.EXIT_STATUS.splitlines() if line.startswith("  "))
    parts = [HEAD.format(make=MAKE, codes=codes)]
    for name, command in commands().items():
        context = click.Context(command, info_name=f"axej {name}", terminal_width=100, max_content_width=100)
        text = command.get_help(context).split("\n  Exit status:")[0].rstrip()
        parts.append(f"## axej {name}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def test_command_reference_is_what_the_help_says():
    assert REFERENCE.read_text(encoding="utf-8") == reference(), f"make it anew: {MAKE}"


@pytest.fixture
def shell_home(tmp_path) -> dict[str, str]:
    """An environment in which `axej` and `axe` are commands."""
    for name in ("axej", "axe"):
        program = tmp_path / name
        program.write_text(
            f"#!{sys.executable}\nimport sys\nsys.argv[0] = {name!r}\nfrom axejournal.cli.door import main\nmain()\n"
        )
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path)}


BASH = """
. <(axej completion bash 2>/dev/null)
complete -p axej axe >/dev/null || exit 9
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_{name}_completion {name} && echo "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("name", "words", "wanted"),
    [
        ("axej", "axej sched", {"schedule"}),
        ("axe", "axe journal ver", {"verify"}),
        ("axej", "axej status --pro", {"--prometheus"}),
    ],
)
def test_bash_completes(shell_home, name, words, wanted):
    script = BASH.format(words=words, name=name)
    done = subprocess.run(["bash", "-c", script], env=shell_home, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == wanted


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_script_is_one_that_the_shell_reads(shell_home, shell):
    done = subprocess.run(["axej", "completion", shell], env=shell_home, capture_output=True, text=True, check=True)
    assert "_AXEJ_COMPLETE" in done.stdout
    assert "_AXE_COMPLETE" in done.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.stdout, text=True, check=True)


if __name__ == "__main__":
    REFERENCE.parent.mkdir(exist_ok=True)
    REFERENCE.write_text(reference(), encoding="utf-8")
