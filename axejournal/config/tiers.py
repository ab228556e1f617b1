"""Tiers: where the copies are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_serializer
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from axejournal.config.base import Strict, fault
from axejournal.config.passwords import Secret
from axejournal.config.values import Duration, Name, Place, Text, Zone

PRUNE_DAYS = {"daily": 1, "weekly": 7, "monthly": 30, "never": None}
CRON = "five fields, minute hour day month weekday: 0 3 * * *"


class Schedule(Strict):
    """When something runs. The short form is the cron expression alone, in the configuration's time zone."""

    SHORT: ClassVar[JsonSchemaValue | None] = {"type": "string"}

    cron: str = Field(description="minute hour day month weekday", examples=["0 3 * * *"])
    timezone: Zone = Field(default="UTC", description="the zone that the hour is meant in", examples=["Asia/Seoul"])

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """A text is the expression alone."""
        return {"cron": written} if isinstance(written, str) else written

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """An expression that cronsim can't read, or that never comes."""
        cron = written.get("cron")
        if isinstance(cron, str) and (problem := _cron_fault(cron)):
            yield "cron", fault(f"{cron!r} is no schedule: {problem}", CRON)


def _cron_fault(cron: str) -> str | None:
    from cronsim import CronSim, CronSimError

    if len(cron.split()) != 5:
        return f"it has {len(cron.split())} fields, not 5"
    try:
        next(CronSim(cron, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as problem:
        return str(problem).lower()
    except StopIteration:
        return "it never comes"
    return None


class Retention(Strict):
    """How many restore points of each kind stay; nothing given keeps all."""

    last: int = Field(default=0, ge=0, description="the newest so many", examples=[3])
    daily: int = Field(default=0, ge=0, description="the newest of each of so many days", examples=[7])
    weekly: int = Field(default=0, ge=0, description="the newest of each of so many weeks", examples=[5])
    monthly: int = Field(default=0, ge=0, description="the newest of each of so many months", examples=[12])
    yearly: int = Field(default=0, ge=0, description="the newest of each of so many years", examples=[3])
    prune: Literal["daily", "weekly", "monthly", "never"] = Field(
        default="weekly", description="how often data that nothing needs is removed", examples=["weekly"]
    )

    @property
    def prune_days(self) -> int | None:
        """Days between two prunes; None for never."""
        return PRUNE_DAYS[self.prune]


class _Tier(Strict):
    SECTIONS: ClassVar[tuple[str, ...]] = ("retention",)

    retention: Retention = Field(default_factory=Retention, description="what stays")


class LocalTier(_Tier):
    """Tier A: a repository on this machine."""

    kind: Literal["local"] = "local"
    repository: Place = Field(
        description="the repository's folder; {customer} stands for the customer", examples=["~/.axe/backups/local"]
    )
    password: Secret = Field(description="where its password is kept", examples=["{keychain: axe.backup.restic.local}"])
    schedule: Schedule = Field(description="when the backup runs", examples=['"0 3 * * *"'])
    rpo: Duration = Field(default=timedelta(hours=26), description="allowed age of the newest restore point", examples=["26h"])
    excludes: Place | None = Field(
        default=None, description="restic's exclude file, for all sources", examples=["~/.axe/bin/restic-excludes"]
    )
    shrink_alarm_percent: int = Field(
        default=50,
        ge=1,
        le=100,
        description="a source that lost this much since the last good run makes the run degraded",
        examples=[50],
    )

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """Only {customer} can be filled in (Config does it)."""
        unknown = re.search(r"\{(?!customer\})[^{}]*\}", str(written.get("repository")))
        if unknown:
            yield "repository", fault(f"{unknown[0]} stands for nothing", "a path, in which {customer} stands for the customer")


LOGIN = "the address without user and password; credentials: FILE says where they are"
WITH_LOGIN = ("s3:", "rest:")


class RingTier(_Tier):
    """Tier B: copies of the local repository's snapshots on a peer's machine, or at any other place that restic knows."""

    kind: Literal["ring"] = "ring"
    peer: Name | None = Field(default=None, description="the partner's name in customers.yaml", examples=["realchoice"])
    repository: Annotated[str, Field(pattern=r"^[^\x00\s][^\x00]*$")] | None = Field(
        default=None,
        description="restic's name of the repository; computed from the peer when absent",
        examples=["sftp:user@host:/folder"],
    )
    password: Secret = Field(description="where its password is kept", examples=["{keychain: axe.backup.restic.ring}"])
    identity: Place = Field(
        default=Path("~/.ssh/id_ed25519"), validate_default=True, description="the SSH key", examples=["~/.ssh/id_ed25519"]
    )
    credentials: Place | None = Field(
        default=None,
        description="the file with the place's own login: for s3: as ~/.aws/credentials, for rest: USER:PASSWORD",
        examples=["~/.axe/offsite-login"],
    )
    schedule: Schedule = Field(description="when snapshots are pushed", examples=['"30 3 * * *"'])
    wait: Duration = Field(default=timedelta(hours=2), description="how long a push waits for tonight's backup", examples=["2h"])
    rpo: Duration = Field(default=timedelta(hours=28), description="allowed age of the newest copy", examples=["28h"])
    stall: Duration = Field(
        default=timedelta(minutes=15), description="a push without progress for so long is ended", examples=["15m"]
    )
    read_parts: int = Field(
        default=30, ge=0, le=256, description="all copies are read back within so many nights; 0: never", examples=[30]
    )
    quiet: Duration = Field(
        default=timedelta(hours=36), description="the peer is expected to push within this time", examples=["36h"]
    )

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """A place, without a secret in it."""
        repository = written.get("repository")
        if repository is None and written.get("peer") is None:
            yield "", fault("names no place to copy to", "peer: NAME (of customers.yaml), or repository: ADDRESS")
        if isinstance(repository, str) and re.search(r"://[^/@\s]*:[^/@\s]+@", repository):
            yield "repository", fault("a password in the repository's address", LOGIN)
        if written.get("credentials") is not None and not str(repository).startswith(WITH_LOGIN):
            yield "credentials", fault("only an s3: or rest: place has a login of its own", "repository: s3:… or rest:…")


def _on_paper(written: Any) -> Any:
    if written != "paper":
        raise fault("the password of a cold disk is on paper only", "password: paper (machine_key: is for syncs without you)")
    return written


class ColdTier(_Tier):
    """Tier C: disks in a drawer, one for each number in the braces of `mount`."""

    kind: Literal["cold"] = "cold"
    mount: Text = Field(description="where the disks appear, their numbers in braces", examples=["/Volumes/axe-cold-{1,2,3}"])
    repository: Annotated[str, Field(pattern=r"^[^/~\x00.][^\x00]*$")] = Field(
        default="restic-repo", description="the repository's folder on each disk", examples=["restic-repo"]
    )
    password: Annotated[Literal["paper"], BeforeValidator(_on_paper)] = Field(
        default="paper", description="the password is on paper only", examples=["paper"]
    )
    machine_key: Secret | None = Field(
        default=None,
        description="where the second key for unattended syncs is kept",
        examples=["{keychain: axe.backup.restic.cold}"],
    )
    first_quarter: Annotated[str, Field(pattern=r"^\d{4}Q[1-4]$")] = Field(
        description="the quarter in which the first disk was or is due", examples=["2026Q1"]
    )
    rpo: Duration = Field(
        default=timedelta(days=107), description="allowed age of the newest copy on any disk", examples=["107d"]
    )
    eject: bool = Field(default=False, description="eject the disk when it is synced", examples=[False])

    @property
    def mounts(self) -> tuple[Path, ...]:
        """The mount point of each disk, first disk first."""
        head, _, rest = self.mount.partition("{")
        numbers, _, tail = rest.partition("}")
        return tuple(Path(f"{head}{number.strip()}{tail}") for number in numbers.split(",")) if rest else (Path(head),)

    @property
    def disks(self) -> dict[str, Path]:
        """The mount point of each disk by its number, as it stands in the braces; in the order of their turns."""
        numbers = self.mount.partition("{")[2].partition("}")[0]
        names = [number.strip() for number in numbers.split(",")] if numbers else ["1"]
        return dict(zip(names, self.mounts, strict=True))

    @classmethod
    def together(cls, written: Mapping[str, Any]) -> Iterator[tuple[str, PydanticCustomError]]:
        """Mount points that can be told apart."""
        mount = written.get("mount")
        if isinstance(mount, str) and not re.fullmatch(r"/[^{}]*(\{[\w-]+(\s*,\s*[\w-]+)*\}[^{}]*)?", mount):
            yield "mount", fault(f"{mount} is no pattern of mount points", "/Volumes/axe-cold-{1,2,3}")


Tier = Annotated[LocalTier | RingTier | ColdTier, Field(discriminator="kind")]
KINDS = ("local", "ring", "cold")
BY_NAME = "tiers by name"  # no name of a tier


class Tiers(Strict):
    """The tiers by name, in their order. `local`, `ring` and `cold` are of the kind that their name says; any other
    name says its kind, so that there may be several rings."""

    by_name: dict[Name, Tier] = Field(alias="tiers by name")  # no RootModel: its import and its second build cost 30 ms

    @classmethod
    def long_form(cls, written: Any) -> Any:
        """The mapping that stands in the file, each tier with its kind."""
        if not isinstance(written, Mapping):
            return {BY_NAME: written}
        return {BY_NAME: {name: _with_kind(name, tier) for name, tier in written.items()}}

    @model_serializer
    def _plain(self) -> dict[str, Tier]:
        return self.by_name

    @property
    def local(self) -> LocalTier:
        """Tier A. It is always there: Config sees to that."""
        tier = self.by_name["local"]
        assert isinstance(tier, LocalTier)
        return tier

    @property
    def ring(self) -> RingTier | None:
        """The tier named `ring`."""
        tier = self.by_name.get("ring")
        return tier if isinstance(tier, RingTier) else None

    @property
    def cold(self) -> ColdTier | None:
        """The tier named `cold`."""
        tier = self.by_name.get("cold")
        return tier if isinstance(tier, ColdTier) else None

    def items(self) -> tuple[tuple[str, LocalTier | RingTier | ColdTier], ...]:
        """Names and tiers, in the order of the file."""
        return tuple(self.by_name.items())

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def __getitem__(self, name: str) -> LocalTier | RingTier | ColdTier:
        return self.by_name[name]


def _with_kind(name: object, tier: Any) -> Any:
    if name in KINDS and isinstance(tier, Mapping) and tier.get("kind", name) == name:
        return {**tier, "kind": name}
    if isinstance(tier, Mapping) and (name in KINDS or tier.get("kind") in ("local", "cold")):
        return {**tier, "kind": f"{tier.get('kind')} as {name}"}  # no kind: reported where `kind` stands
    return tier
