"""`axej completion`: what makes a shell complete commands and options."""

from __future__ import annotations

import click

from axejournal.cli.main import Command, axej

PLACES = {
    "bash": 'axej completion bash > ~/.axe/completion.bash; echo ". ~/.axe/completion.bash" >> ~/.bashrc',
    "zsh": 'axej completion zsh > ~/.axe/completion.zsh; echo ". ~/.axe/completion.zsh" >> ~/.zshrc',
    "fish": "axej completion fish > ~/.config/fish/completions/axej.fish",
}


@click.command(cls=Command, short_help="Print a script that makes a shell complete commands.")
@click.argument("shell", type=click.Choice(list(PLACES)))
def completion(shell: str) -> None:
    """Print a script that makes a shell (bash, zsh, fish) complete the commands and options of axej and axe.

    \b
    Example:
      . <(axej completion bash)
      axej completion fish > ~/.config/fish/completions/axej.fish

    bash has to be 4.4 or newer; that of macOS is 3.2, its zsh is fine.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    for name in ("axej", "axe"):
        click.echo(_source(kind(axej, {}, name, f"_{name.upper()}_COMPLETE")))
    click.echo(f"to keep it: {PLACES[shell]}", err=True)


def _source(script: object) -> str:
    """The script without asking the shell's version: it may be written on one machine and used on another."""
    from click.shell_completion import ShellComplete

    assert isinstance(script, ShellComplete)
    return ShellComplete.source(script)
