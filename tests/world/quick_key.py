"""Makes a repository's password cheap to try. restic spends half a second of work on each call to derive a key (scrypt,
chosen at `init` by what the machine can do); tests make thousands of calls, and prove nothing by that work.

`restic_program` is a restic whose own new keys are such: that of the tests' machines.

The format is restic's own (design document, Keys and Encryption, 0.19): a key file holds the master key, encrypted with
AES-256-CTR and authenticated with Poly1305-AES under what scrypt makes of the password.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

CHEAPEST = 2  # scrypt's N, the work


SCRIPT = """#!/bin/sh
# restic. A key that it makes in a folder costs next to nothing to try.
case " $* " in
*" init "* | *" key add "*) exec {python} {module} {restic} "$@" ;;
*) exec {restic} "$@" ;;
esac
"""
FILE, COPY = "RESTIC_PASSWORD_FILE", "--copy-chunker-params"
BLANK = "TESTS_BLANK"  # in the environment: a repository to copy
OWN, NEW = "--password-file", "--new-password-file"


def restic_program(restic: Path, file: Path) -> None:
    """Puts a program there that is this restic, but for new keys."""
    words = {"python": sys.executable, "module": Path(__file__).resolve(), "restic": restic}
    file.write_text(SCRIPT.format_map({name: shlex.quote(str(word)) for name, word in words.items()}))
    file.chmod(0o755)


def make_quick(repository: Path, password: str) -> None:
    """Replaces the one key of a repository in a folder by one of the same password that costs next to nothing to try."""
    (old,) = (repository / "keys").iterdir()
    quicken(old, password)


def quicken(old: Path, password: str, new_password: str = "") -> None:
    """The same of one of several keys; of another password, if that is given."""
    key: dict[str, Any] = json.loads(old.read_text())
    master = _open(base64.b64decode(key["data"]), _derived(password, key))
    key |= {"N": CHEAPEST, "r": 1, "p": 1, "salt": base64.b64encode(os.urandom(64)).decode()}
    key["data"] = base64.b64encode(_closed(master, _derived(new_password or password, key))).decode()
    content = json.dumps(key).encode()
    new = old.with_name(hashlib.sha256(content).hexdigest())
    new.write_bytes(content)
    new.chmod(0o400)
    old.unlink()


def make_key(argv: list[str]) -> int:
    """Runs restic's `init` or `key add`, and quickens what it made where that is in a folder."""
    asked = NEW if NEW in argv else OWN
    at = argv.index(asked) + 1 if asked in argv else 0
    named = argv[at] if at else os.environ.get(FILE, "")
    place = argv[argv.index("-r") + 1] if "-r" in argv else os.environ.get("RESTIC_REPOSITORY", "")
    if not named or not place:  # an address that comes through a pipe is no folder's
        os.execv(argv[0], argv)
    password = Path(named).read_bytes()  # it may be a pipe, which gives it once
    if "init" in argv and BLANK in os.environ and (identity := copied(argv, Path(place), password.decode().rstrip("\r\n"))):
        print(json.dumps({"message_type": "initialized", "id": identity, "repository": place}))
        return 0
    reading, writing = os.pipe()
    os.write(writing, password)
    os.close(writing)
    os.set_inheritable(reading, True)
    again = f"/dev/fd/{reading}"
    keys = Path(place) / "keys"
    before = set(keys.iterdir()) if keys.is_dir() else set()
    if at:
        argv[at] = again
    code = subprocess.run(argv, env=os.environ | ({} if at else {FILE: again}), close_fds=False, check=False).returncode
    made = set(keys.iterdir()) - before if code == 0 and keys.is_dir() else set()
    for one in made:
        quicken(one, password.decode().rstrip("\r\n"))
    return code


def copied(argv: list[str], place: Path, password: str) -> str:
    """Instead of `init`: a copy of the blank repository that BLANK names, with an id, a password and a chunker of its own;
    its id, or "" where restic shall do it itself. Restic measures a second long how much work a key shall cost."""
    blank = Path(os.environ[BLANK])
    of_other = os.environ.get(f"RESTIC_FROM_{FILE.removeprefix('RESTIC_')}", "")
    if place.exists() or (COPY in argv) != of_other.startswith("/") or of_other.startswith("/dev/"):
        return ""
    (old,) = (blank / "keys").iterdir()
    key: dict[str, Any] = json.loads(old.read_text())
    secret = blank.with_name("password").read_text().strip()
    master = json.loads(_open(base64.b64decode(key["data"]), _derived(secret, key)))
    sealing = b"".join(map(base64.b64decode, (master["encrypt"], master["mac"]["k"], master["mac"]["r"])))
    config = json.loads(_open((blank / "config").read_bytes(), sealing)) | {"id": os.urandom(32).hex()}
    if COPY in argv:
        source = (argv[0], "-r", argv[argv.index("--from-repo") + 1], "--password-file", of_other, "--no-lock", "cat", "config")
        config["chunker_polynomial"] = json.loads(subprocess.check_output(source))["chunker_polynomial"]
    shutil.copytree(blank, place)
    (place / "config").unlink()
    (place / "config").write_bytes(_closed(json.dumps(config).encode(), sealing))
    (place / "config").chmod(0o400)
    quicken(place / "keys" / old.name, secret, password)
    return str(config["id"])


def _derived(password: str, key: dict[str, Any]) -> bytes:
    """64 bytes: 32 to encrypt, 16 and 16 to authenticate."""
    salt = base64.b64decode(key["salt"])
    cost = {"n": key["N"], "r": key["r"], "p": key["p"], "maxmem": 2**28}
    return hashlib.scrypt(password.encode(), salt=salt, dklen=64, **cost)


def _open(sealed: bytes, derived: bytes) -> bytes:
    nonce, text, tag = sealed[:16], sealed[16:-16], sealed[-16:]
    assert _tag(nonce, text, derived) == tag, "another password, or another format than restic's 0.19"
    return _ctr(nonce, text, derived)


def _closed(plain: bytes, derived: bytes) -> bytes:
    nonce = os.urandom(16)
    text = _ctr(nonce, plain, derived)
    return nonce + text + _tag(nonce, text, derived)


def _ctr(nonce: bytes, data: bytes, derived: bytes) -> bytes:
    return Cipher(algorithms.AES(derived[:32]), modes.CTR(nonce)).encryptor().update(data)


def _tag(nonce: bytes, text: bytes, derived: bytes) -> bytes:
    one_time = Cipher(algorithms.AES(derived[32:48]), modes.ECB()).encryptor().update(nonce)
    return Poly1305.generate_tag(derived[48:64] + one_time, text)


if __name__ == "__main__":
    sys.exit(make_key(sys.argv[1:]))
