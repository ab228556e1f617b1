"""Makes a repository's password cheap to try. restic spends half a second of work on each call to derive a key (scrypt,
chosen at `init` by what the machine can do); tests make thousands of calls, and prove nothing by that work.

The format is restic's own (design document, Keys and Encryption, 0.19): a key file holds the master key, encrypted with
AES-256-CTR and authenticated with Poly1305-AES under what scrypt makes of the password.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305

CHEAPEST = 2  # scrypt's N, the work


def make_quick(repository: Path, password: str) -> None:
    """Replaces the one key of a repository in a folder by one of the same password that costs next to nothing to try."""
    (old,) = (repository / "keys").iterdir()
    key: dict[str, Any] = json.loads(old.read_text())
    master = _open(base64.b64decode(key["data"]), _derived(password, key))
    key |= {"N": CHEAPEST, "r": 1, "p": 1, "salt": base64.b64encode(os.urandom(64)).decode()}
    key["data"] = base64.b64encode(_closed(master, _derived(password, key))).decode()
    content = json.dumps(key).encode()
    new = old.with_name(hashlib.sha256(content).hexdigest())
    new.write_bytes(content)
    new.chmod(0o400)
    old.unlink()


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
