"""`axej ring serve FOLDER`, as sshd calls it: without click, at a tenth of the price."""

from __future__ import annotations

import os
import sys


def serve(folder: str) -> int:
    """Serves the folder on stdin and stdout; the exit code."""
    if sys.stdin.isatty():
        sys.stderr.write("ring serve is for sshd, not for a terminal; see axej ring authorize --help\n")
        return 2
    if not os.path.isdir(folder):  # noqa: PTH112 (pathlib costs 10 ms)
        sys.stderr.write(f"the folder {folder} is not there; run axej ring authorize PEER --write on this machine\n")
        return 50
    from axejournal.programs.ssh.sftp_server import serve as serve_folder

    serve_folder(folder)
    return 0
