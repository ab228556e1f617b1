"""`axej ring authorize` and `axej ring serve`: what the partner's SSH key may do here."""

from __future__ import annotations

from pathlib import Path

import click

from axejournal.cli.context import context
from axejournal.cli.main import Command
from axejournal.domain.errors import UsageFault


@click.command(cls=Command, short_help="Let the partner's key into its folder, and nowhere else.")
@click.argument("peer")
@click.option("--key", metavar="FILE|TEXT", help="The partner's public key: a file, or the line itself.")
@click.option("--write", is_flag=True, help="Make the folder and add the line to ~/.ssh/authorized_keys.")
def authorize(peer: str, key: str | None, write: bool) -> int:
    """Let the partner's key into its folder, and nowhere else. Without --write it is only printed.

    \b
    Example:
      axej ring authorize realchoice --key ~/Downloads/id_ed25519.pub
      axej ring authorize realchoice --key "ssh-ed25519 AAAA… realchoice" --write
    """
    here = context()
    tier = next((name for name, one in here.config.tiers.items() if getattr(one, "peer", None) == peer), None)
    folder = here.app.receive_folder(tier) if tier else None
    if folder is None:
        raise UsageFault(f"no ring has the peer {peer}", "Write a name of customers.yaml that is peer: of a tier.")
    if key is None and write:
        raise UsageFault("--write needs --key", f"Write axej ring authorize {peer} --key FILE --write.")
    line = here.app.copies.key_line(peer, _axej(), folder.folder, _key(key)) if key else "restrict,command=… ssh-ed25519 AAAA…"
    if not write:
        click.echo(_PAGE.format(peer=peer, folder=folder.folder, keys=folder.keys, line=line, user=Path.home().name))
        return 0
    changed = folder.authorize(line)
    click.echo(f"{folder.keys}: {'the line was added' if changed else 'the line is there already'}", err=True)
    click.echo(f"{folder.folder}: {peer}'s copies come here", err=True)
    click.echo('next: send the partner your own public key, then "axej ring verify" on both machines', err=True)
    return 0


@click.command(cls=Command, short_help="What the partner's key runs here (sshd calls it).")
@click.argument("folder", type=click.Path(path_type=Path))
def serve(folder: Path) -> int:
    """Serve one folder by sftp on stdin and stdout. sshd runs this for the partner's key; see axej ring authorize.

    \b
    Example:
      restrict,command="axej ring serve /Users/axe/peer/realchoice" ssh-ed25519 AAAA…

    That is the line in ~/.ssh/authorized_keys.
    """
    from axejournal.app.ring_serving import serve as serve_folder

    return serve_folder(str(folder))


def _key(text: str) -> str:
    file = Path(text).expanduser()
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else text
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageFault(f"{file} can't be read: {fault}", "Give the partner's .pub file.") from fault


def _axej() -> tuple[str, ...]:
    from axejournal.app.schedules import this_machine

    program = context().config.schedules.program
    return this_machine(program if program and program.exists() else None).axej


_PAGE = """\
# For the key of {peer}: sftp into {folder}, and nothing else. No shell, no forwarding, no other folder, no symlinks.

1. The line in {keys} (chmod 600; "--write" adds it):

{line}

2. sshd must be there, take keys, and let {user} in.
   macOS: System Settings, General, Sharing, Remote Login: on, for the user {user}.
   Linux: sudo systemctl enable --now ssh; AllowUsers in /etc/ssh/sshd_config, where there is one, must name {user}.
   Both: sshd_config has a line "Subsystem sftp …" (it is there by default); the forced command of the line above runs instead.

3. More still, for a user of the partner's own (no need with the line above; sshd_config, macOS and Linux alike):

Match User {peer}-backup
    ChrootDirectory /srv/ring          # root's, and writable by nobody else
    ForceCommand internal-sftp
    AllowTcpForwarding no
    X11Forwarding no
    PermitTunnel no
"""
