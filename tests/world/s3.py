"""An S3 store on the loopback device: moto's, which is not ours, so that it can't agree with us where it shouldn't."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator

import pytest


@pytest.fixture
def s3() -> Iterator[str]:
    """restic's name of a place in it, whose bucket is not there yet: see make_bucket."""
    from moto.server import ThreadedMotoServer

    from tests.world.sshd import free_port

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    port = free_port()
    server = ThreadedMotoServer("127.0.0.1", port)
    server.start()
    yield f"s3:http://127.0.0.1:{port}/copies/axe"
    server.stop()


def make_bucket(place: str) -> None:
    """What an operator does at the store's own page."""
    address = place.removeprefix("s3:").rpartition("/")[0]
    with urllib.request.urlopen(urllib.request.Request(address, method="PUT")):
        return
