"""Tells: Slack's webhook, a plain HTTP ping, a command. The only user of slack_sdk.

Each has a few seconds, whatever the other side does (a name that is not resolved, an answer that trickles), and none
lets its address into a message: the key is in it.
"""

from __future__ import annotations

import http.client
import json
import logging
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from axejournal.domain.errors import AxejError, Interrupted
from axejournal.domain.message import Message
from axejournal.domain.ports.outbox import Delivery
from axejournal.programs import process

TIMEOUT_S = 5.0
MOST_BYTES = 64 * 1024  # of an answer
Address = Callable[[], str]


@dataclass(frozen=True)
class SlackChannel:
    """An incoming webhook of Slack, or of what speaks like it. Taken means: 200 and the body "ok" (Slack's manual, Sending
    messages using incoming webhooks); a portal that answers everything with its own page is no Slack."""

    address: Address
    timeout_s: float = TIMEOUT_S

    def send(self, message: Message) -> Delivery:
        """See Channel."""
        return _told(self.address, lambda url: self._send(url, slack_text(message)), self.timeout_s)

    def _send(self, url: str, text: str) -> Delivery:
        from slack_sdk.webhook import WebhookClient

        # its own logger says the whole address when something fails
        silent = logging.Logger("axej.slack", level=logging.CRITICAL + 1)
        client = WebhookClient(url, timeout=self.timeout_s, logger=silent, retry_handlers=[])  # type: ignore[arg-type]
        answer = client.send(text=text, unfurl_links=False, unfurl_media=False)
        body = str(answer.body).strip()
        if answer.status_code == 200 and body.lower() == "ok":
            return Delivery(True)
        if answer.status_code == 200:
            return Delivery(False, "what answered is not Slack: it did not say ok")
        return _refused(answer.status_code, _header(answer.headers), body if _is_code(body) else "")


@dataclass(frozen=True)
class PingChannel:
    """An outside dead-man's switch that counts calls of an address: as it is after a success, with /fail behind it after
    anything else, with /start at the beginning (the way of healthchecks.io). Taken means any 2xx."""

    address: Address
    timeout_s: float = TIMEOUT_S

    def send(self, message: Message) -> Delivery:
        """See Channel."""
        return self.ping("" if message.good else "fail")

    def ping(self, what: str) -> Delivery:
        """`what`: "" for a success, "fail", "start"."""
        return _told(self.address, lambda url: self._get(with_path(url, what)), self.timeout_s)

    def _get(self, url: str) -> Delivery:
        request = urllib.request.Request(url, headers={"User-Agent": "axej"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
                answer.read(MOST_BYTES)
                return Delivery(True)
        except urllib.error.HTTPError as refusal:
            return _refused(refusal.code, _header(refusal.headers), "")


@dataclass(frozen=True)
class CommandChannel:
    """A command that gets the message as one JSON document on its stdin. Taken means exit code 0."""

    argv: tuple[str, ...]
    timeout_s: float = TIMEOUT_S

    def send(self, message: Message) -> Delivery:
        """See Channel."""
        data = json.dumps(message.as_json(), ensure_ascii=False).encode()
        try:
            done = process.run(process.Command(self.argv, timeout_s=self.timeout_s, stdin=data, grace_s=0.5))
        except Interrupted:
            raise
        except AxejError as failure:
            return Delivery(False, failure.message)
        return Delivery(True) if done.exit_code == 0 else Delivery(False, f"{self.argv[0]} ended with exit {done.exit_code}")


def slack_text(message: Message) -> str:
    """The message in Slack's own marks, whose three signs are written as it asks (manual, Formatting text)."""
    sign = ":hourglass:" if message.kind == "waits" else ":white_check_mark:" if message.good else ":rotating_light:"
    lines = [f"{sign} *{_escaped(message.title)}*", *(f"• {_escaped(line)}" for line in message.lines)]
    lines += [f"*Next:* {_escaped(message.next)}"] if message.next else []
    lines += [f"Read: `{message.page}`"] if message.page else []
    return "\n".join(lines)


def with_path(url: str, more: str) -> str:
    """The address with one more part behind its path, before its query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{more}")) if more else url


def _told(address: Address, send: Callable[[str], Delivery], timeout_s: float) -> Delivery:
    """Sends in a thread of its own, which is left to itself when the time is up: a name server can't be hurried."""
    try:
        url = address()
    except Interrupted:
        raise
    except AxejError as failure:
        return Delivery(False, f"its address can't be read: {failure.message}")
    if not url.lower().startswith(("http://", "https://")) or not url.isprintable() or " " in url:
        return Delivery(False, "its address is no http address")
    came: list[Delivery] = []
    thread = threading.Thread(target=lambda: came.append(_safely(lambda: send(url))), daemon=True)
    thread.start()
    thread.join(timeout_s)
    return came[0] if came else Delivery(False, f"no answer within {timeout_s:g} s")


def _safely(send: Callable[[], Delivery]) -> Delivery:
    """Without the words of the failure where they could hold the address."""
    try:
        return send()
    except TimeoutError:
        return Delivery(False, "no answer in time")
    except urllib.error.URLError as failure:
        return Delivery(False, _unreachable(failure.reason))
    except OSError as failure:
        return Delivery(False, _unreachable(failure))
    except http.client.HTTPException:
        return Delivery(False, "what answered does not speak HTTP")
    except Exception as failure:  # whatever a library makes of a strange answer: a message is no reason to fail
        return Delivery(False, f"the answer can't be read ({type(failure).__name__})")


def _unreachable(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    if isinstance(reason, socket.gaierror):
        return "its host's name is not known here"
    what = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
    return f"it can't be reached: {what}"


def _refused(code: int, retry_after: str | None, body: str) -> Delivery:
    hint = {429: "too many messages", 403: "the address is no longer valid", 404: "nothing is at the address"}.get(code, "")
    words = " ".join(part for part in (f"it answered {code}", f"({body})" if body else "", f": {hint}" if hint else "") if part)
    seconds = float(retry_after) if retry_after and retry_after.strip().isdigit() else None
    return Delivery(False, words.replace(" :", ":"), seconds)


def _header(headers: Any) -> str | None:
    """Retry-After; a date in it counts as not given."""
    try:
        found = headers.get("Retry-After") or headers.get("retry-after")
    except AttributeError:
        return None
    return str(found[0] if isinstance(found, list) else found) if found else None


def _is_code(body: str) -> bool:
    """One of Slack's error words (no_service, invalid_token), nothing longer."""
    return body.isascii() and body.replace("_", "").isalpha() and len(body) <= 40


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
