"""axej.yaml as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from pydantic_core import PydanticCustomError

from axejournal.config.base import Strict, fault
from axejournal.config.customers import Customers, RingBackup
from axejournal.config.passwords import Secret
from axejournal.config.sources import FilesSource, PostgresSource, Source
from axejournal.config.tiers import Schedule, Tiers
from axejournal.config.values import Duration, Name, Place, Words, Zone, is_zone
from axejournal.domain.errors import UsageFault

OLDEST_RESTIC = (0, 18, 1)
VERSION = r"^\d+\.\d+\.\d+$"
ELSEWHERE = "the program, when it is not found by itself"


class ResticSettings(Strict):
    """Which restic."""

    program: Place | None = Field(default=None, description=ELSEWHERE, examples=["~/.axe/bin/restic"])
    minimum: Annotated[str, Field(pattern=VERSION)] = Field(
        default="0.18.1", description="the oldest version", examples=["0.18.1"]
    )

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """axej relies on what restic does since OLDEST_RESTIC."""
        minimum = written.get("minimum")
        is_version = isinstance(minimum, str) and re.fullmatch(VERSION, minimum)
        if is_version and tuple(map(int, str(minimum).split("."))) < OLDEST_RESTIC:
            oldest = ".".join(map(str, OLDEST_RESTIC))
            yield "minimum", fault(f"axej needs restic {oldest} or newer, {minimum} is older", f'"{oldest}"')


class DockerSettings(Strict):
    """Which docker."""

    program: Place | None = Field(default=None, description=ELSEWHERE, examples=["/usr/local/bin/docker"])


class Limits(Strict):
    """How much at once."""

    databases_at_once: int | None = Field(
        default=None, ge=1, le=64, description="dumps side by side; else one a core", examples=[2]
    )


class DrillSettings(Strict):
    """The rehearsed restore."""

    schedule: Schedule = Field(description="when", examples=['"0 3 15 1,4,7,10 *"'])
    rto: Duration | None = Field(default=None, description="allowed time to restore all sources", examples=["4h"])


class SchedulesSettings(Strict):
    """What `axej schedule install` gives to launchd or systemd."""

    scope: Literal["user", "system"] = Field(
        default="user", description="user: while this user is logged in, with its Keychain; system: always", examples=["user"]
    )
    program: Place | None = Field(
        default=None, description="the axej that is started; else the one that installs", examples=["~/.axe/bin/axej"]
    )
    labels: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*$", max_length=63)] = Field(
        default="com.axe", description="how the names of its tasks begin", examples=["com.axe"]
    )


WEEKLY = "0 5 * * 0"


class CheckSettings(Strict):
    """The reading of the repositories, a part of their data at a time."""

    schedule: Schedule = Field(
        default_factory=lambda: Schedule(cron=WEEKLY), description="when a part is read", examples=['"0 5 * * 0"']
    )
    parts: int = Field(default=13, ge=1, le=256, description="all data are read in so many runs", examples=[13])


class NotifySettings(Strict):
    """Who is told."""

    slack: Secret | None = Field(
        default=None, description="where Slack's webhook is kept", examples=["{keychain: axe.slack.webhook}"]
    )
    command: Words | None = Field(
        default=None, description="a command that gets each message as JSON on its stdin", examples=["/usr/local/bin/tell-us"]
    )
    ping: dict[Name, Secret] = Field(
        default_factory=dict,
        description="outside watches that miss a night: by tier or job, where the URL is kept (called as it is after a "
        "success, with /fail and /start behind it otherwise)",
        examples=["{local: {file: ~/.axe/ping-local}}"],
    )


class RestoreSettings(Strict):
    """What a restore leaves."""

    keep_old: Duration = Field(
        default=timedelta(days=7), description="how long the replaced data is kept for undo", examples=["7d"]
    )


class Config(Strict):
    """The checked configuration. Paths are absolute, `{customer}` and inherited time zones are filled in."""

    SECTIONS: ClassVar[tuple[str, ...]] = ("customers", "restic", "docker", "limits", "schedules", "notify", "restore", "check")

    customer: Name = Field(description="whose data this is", examples=["axe"])
    host: Name = Field(description="this machine's name in snapshots; it never changes", examples=["axe-macmini"])
    language: Literal["en", "ko"] = Field(default="en", description="of runbooks and reports", examples=["ko"])
    timezone: Zone = Field(description="in which times are read and shown", examples=["Asia/Seoul"])
    state: Place = Field(
        default=Path("~/.axe/axej"), validate_default=True, description="journal, leases, staging, logs", examples=["~/.axe/axej"]
    )
    customers: Customers = Field(
        default_factory=Customers, description="the file with the partners of the ring", examples=["customers.yaml"]
    )
    restic: ResticSettings = Field(default_factory=ResticSettings)
    docker: DockerSettings = Field(default_factory=DockerSettings)
    limits: Limits = Field(default_factory=Limits)
    sources: dict[Name, Source] = Field(min_length=1, description="what is backed up, in the order of restore")
    tiers: Tiers = Field(description="where the copies are")
    drill: DrillSettings | None = None
    check: CheckSettings = Field(default_factory=CheckSettings, description="reads the repositories, part by part")
    schedules: SchedulesSettings = Field(default_factory=SchedulesSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    heartbeat: Secret | None = Field(
        default=None, description="the same as notify.ping.local", examples=["{file: ~/.axe/heartbeat-url}"]
    )
    restore: RestoreSettings = Field(default_factory=RestoreSettings)

    def model_post_init(self, context: Any, /) -> None:
        """Tells each source its name."""
        for name, source in self.sources.items():
            source._name = name

    @property
    def customers_path(self) -> Path | None:
        """customers.yaml, when there is one."""
        return self.customers.file

    @property
    def databases(self) -> dict[str, PostgresSource]:
        """The sources of kind postgres by name, in the order of the file."""
        return {name: source for name, source in self.sources.items() if isinstance(source, PostgresSource)}

    @property
    def folders(self) -> dict[str, FilesSource]:
        """The sources of kind files by name, in the order of the file."""
        return {name: source for name, source in self.sources.items() if isinstance(source, FilesSource)}

    def find_source(self, name: str) -> PostgresSource | FilesSource:
        """The one source that is called so: by its name, else by an alias, its container or its database.
        Raises UsageFault when there is none, or more than one."""
        if name in self.sources:
            return self.sources[name]
        found = [source for source in self.sources.values() if name in other_names(source)]
        if len(found) == 1:
            return found[0]
        names = ", ".join(source.name for source in found or self.sources.values())
        if found:
            raise UsageFault(f"{name} could be any of {names}", f'Write one of these names: "{found[0].name}".')
        raise UsageFault(
            f"no source is called {name}; there are {names}", "Write one of these names, or add the source to axej.yaml."
        )

    def peer(self, tier: str) -> RingBackup | None:
        """How to reach the peer of a ring tier; None for other tiers, and while customers.yaml does not know the peer."""
        customer = self.customers.known.get(getattr(self.tiers[tier], "peer", None) or "")
        return customer.ring_backup if customer else None

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """Fills in `{customer}` and, where a schedule has none, the time zone."""
        if not isinstance(written, Mapping):
            return written
        filled = dict(written)
        zone = written.get("timezone") if is_zone(written.get("timezone")) else "UTC"
        if isinstance(written.get("tiers"), Mapping):
            filled["tiers"] = {name: _filled(tier, zone, written.get("customer")) for name, tier in written["tiers"].items()}
        if "drill" in written:
            filled["drill"] = _filled(written["drill"], zone, None)
        check = written.get("check", {})
        filled["check"] = _filled({"schedule": WEEKLY, **check} if isinstance(check, Mapping) else check, zone, None)
        return filled

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """Tier A is where the others copy from."""
        tiers = written.get("tiers")
        if isinstance(tiers, Mapping) and "local" not in tiers:
            yield (
                "tiers",
                fault("has no local tier, and the others copy from it", "local: {repository: …, password: …, schedule: …}"),
            )


def other_names(source: PostgresSource | FilesSource) -> tuple[str, ...]:
    """What a source is also called, besides its name."""
    if isinstance(source, PostgresSource):
        return (*source.aliases, source.database, *([source.container] if source.container else ()))
    return source.aliases


def _filled(part: Any, zone: Any, customer: Any) -> Any:
    if not isinstance(part, Mapping):
        return part
    filled = dict(part)
    match part.get("schedule"):
        case str() as cron:
            filled["schedule"] = {"cron": cron, "timezone": zone}
        case Mapping() as schedule if "timezone" not in schedule:
            filled["schedule"] = {**schedule, "timezone": zone}
    if isinstance(part.get("repository"), str) and isinstance(customer, str):
        filled["repository"] = part["repository"].replace("{customer}", customer)
    return filled
