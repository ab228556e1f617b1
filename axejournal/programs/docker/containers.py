"""Docker, through its command line: looks at containers, and starts sidecars that carry the run's label.

Nothing is ever run inside a container of somebody else's: what `docker exec` leaves there when its client dies can't be
ended (moby#35703), and an orphan that PostgreSQL adopts as PID 1 can send the live server into crash recovery
(docker-library/postgres#1349). Source of the words: docker 20.10 to 28, command line reference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from axejournal.domain.errors import (
    AxejError,
    DiskFull,
    DockerAsleep,
    ProgramFailed,
    ProgramKilled,
    ProgramMissing,
    ProgramStalled,
    SourceUnreachable,
)
from axejournal.domain.ports import Container, Mount, Sidecar
from axejournal.programs import process
from axejournal.programs.process import Command, Completed

LABEL = "axej.run"
SEE_HELP = "Run 'docker run --help' for more information"
DAEMON = "Error response from daemon: "
ANSWER_S = 30.0  # for the engine's short answers; Docker Desktop that is starting hangs longer
PUBLIC_VARIABLES = ("POSTGRES_USER", "POSTGRES_DB", "PGDATA", "PG_MAJOR")
_PUBLIC = " ".join(json.dumps(name) for name in PUBLIC_VARIABLES)
_PICK = f'{{{{if eq (index (split . "=") 0) {_PUBLIC}}}}}{{{{json .}}}},{{{{end}}}}'
FORMAT = (  # the environment holds passwords: only what is public is asked for, so that they never get here
    '{"id":{{json .Id}},"name":{{json .Name}},"image":{{json .Image}},"image_name":{{json .Config.Image}},'
    '"running":{{json .State.Running}},"status":{{json .State.Status}},'
    '"labels":{{json .Config.Labels}},"mounts":{{json .Mounts}},'
    f'"environment":[{{{{range .Config.Env}}}}{_PICK}{{{{end}}}}null]}}'
)


class Docker:
    """One engine, as the environment (DOCKER_HOST, the client's context) names it.

    Every method raises ProgramMissing without the client and DockerAsleep when no engine answers.
    """

    def __init__(self, program: Path = Path("docker")) -> None:
        self.program = program

    def inspect(self, name: str) -> Container | None:
        """The container of that name or id, or None when there is none."""
        found = self._inspect((name,), missing_is_fine=True)
        return found[0] if found else None

    def containers(self, *filters: str, running_only: bool = False) -> tuple[Container, ...]:
        """All containers that pass all filters ("label=axej.run=…", "volume=…"), by name."""
        words = [word for one in filters for word in ("--filter", one)]
        listed = self._ask("ps", "--quiet", "--no-trunc", *(() if running_only else ("--all",)), *words).text.split()
        return tuple(sorted(self._inspect(listed, missing_is_fine=True), key=lambda facts: facts.name)) if listed else ()

    def postgres_containers(self) -> tuple[Container, ...]:
        """Running containers that look like PostgreSQL servers, by their image's name or its variables; none of ours."""
        looks = re.compile(r"postgres|postgis|timescale|pgvector|supabase/postgres", re.IGNORECASE)
        return tuple(
            facts
            for facts in self.containers(running_only=True)
            if LABEL not in facts.labels and (looks.search(facts.image_name) or "PGDATA" in facts.environment)
        )

    def remove(self, names: Sequence[str]) -> None:
        """Ends and removes containers with their unnamed volumes. May be called twice."""
        if not names:
            return
        done = self._run("rm", "--force", "--volumes", "--", *names)
        gone = re.compile("No such container|already in progress")
        if done.exit_code != 0 and not all(gone.search(line) for line in done.stderr.splitlines()):
            raise self.fault(done, f"docker rm {' '.join(names)}")

    def mounting(self, volume: str) -> tuple[str, ...]:
        """Names of the running containers, ours aside, that have a volume or a folder mounted."""
        found = self.containers(f"volume={volume}", running_only=True)
        return tuple(facts.name for facts in found if LABEL not in facts.labels)

    def end_sidecars(self, run: str) -> tuple[str, ...]:
        """Ends what is left of a run's sidecars; says which there were. May be called twice. Without Docker: none."""
        try:
            left = self.containers(f"label={LABEL}={run}")
            self.remove([facts.id for facts in left])
        except (ProgramMissing, SourceUnreachable):
            return ()  # without an engine no container of the run is alive
        return tuple(f"container {facts.name}" for facts in left)

    def start_words(self, sidecar: Sidecar, name: str, script: str) -> tuple[str, ...]:
        """The command that starts a sidecar whose standard input is ours, and removes it when its script ends."""
        mounts = (word for mount in sidecar.mounts for word in ("--mount", _mount(*mount)))
        variables = (word for key, value in sidecar.environment for word in ("--env", f"{key}={value}"))
        network = f"container:{sidecar.beside.id}" if sidecar.joined else "none"
        fixed = (str(self.program), "run", "--rm", "--interactive", "--name", name, "--network", network)
        more = ("--label", f"{LABEL}={sidecar.run}", "--log-driver", "none", "--entrypoint", "sh", "--user", sidecar.user)
        return (*fixed, *more, *mounts, *variables, sidecar.beside.image, "-c", script)

    def inside(self, name: str, *words: str) -> tuple[str, ...]:
        """The command that runs something inside a sidecar. Never with a terminal: that changes the bytes."""
        return (str(self.program), "exec", "--interactive", name, *words)

    # --- asking ----------------------------------------------------------------------------------------------------

    def _inspect(self, names: Sequence[str], missing_is_fine: bool) -> list[Container]:
        done = self._run("inspect", "--type", "container", "--format", FORMAT, "--", *names)
        if done.exit_code != 0 and not (missing_is_fine and "No such container" in done.stderr):
            raise self.fault(done, f"docker inspect {' '.join(names)}")
        return [_facts(json.loads(line)) for line in done.text.splitlines() if line.strip()]

    def _ask(self, *words: str) -> Completed:
        done = self._run(*words)
        if done.exit_code != 0:
            raise self.fault(done, f"docker {words[0]}")
        return done

    def _run(self, *words: str) -> Completed:
        try:
            return process.run(Command((str(self.program), *words), timeout_s=ANSWER_S))
        except ProgramMissing as missing:
            hint = "Install Docker, or set `docker: {program: …}` in axej.yaml to where it is."
            raise ProgramMissing(f"program {self.program} (Docker's client) is not on this machine", hint) from missing
        except ProgramStalled as stalled:
            raise DockerAsleep(f"Docker did not answer within {ANSWER_S:g} s", "Restart Docker.") from stalled

    def fault(self, done: Completed, what: str) -> AxejError:
        """What a failed call of the client means."""
        lines = (line for line in done.stderr.splitlines() if not line.startswith("WARNING:"))
        said = " ".join(" ".join(lines).split()) or f"exit {done.exit_code}"
        if done.exit_code < 0:
            return ProgramKilled(f"{what} was ended by signal {-done.exit_code}")
        if re.search("annot connect to the Docker daemon|error during connect|Is the docker daemon running", said):
            return DockerAsleep(f"Docker does not answer: {_short(said)}", "Start Docker.")
        if "permission denied while trying to connect" in said:
            hint = "Let this user into the group docker, or run axej as the user who runs Docker."
            return SourceUnreachable(f"Docker refuses this user: {_short(said)}", hint)
        if re.search("cannot join network|is not running|No such container", said, re.IGNORECASE):
            return SourceUnreachable(f"{what}: {_short(said)}", 'Run "docker ps --all" to see what became of the container.')
        if "no space left on device" in said.lower():
            return DiskFull(f"{what}: {_short(said)}", "Free some space on Docker's disk.")
        return ProgramFailed(f"{what} failed: {_short(said)}", "Run the command by hand to see what it needs.")


def _mount(source: str, target: str, read_only: bool) -> str:
    """One --mount: a CSV record. A source that is no path is a volume's name."""
    kind = "bind" if source.startswith("/") else "volume"
    fields = [f"type={kind}", f"source={source}", f"target={target}", *(("readonly",) if read_only else ())]
    return ",".join('"' + one.replace('"', '""') + '"' if re.search('[,"\\s]', one) else one for one in fields)


def _facts(found: Mapping[str, Any]) -> Container:
    variables = (entry.partition("=") for entry in found["environment"] if entry)
    return Container(
        id=found["id"],
        name=found["name"].removeprefix("/"),
        image=found["image"],
        image_name=found["image_name"],
        is_running=found["running"],
        status=found["status"],
        labels=found["labels"] or {},
        mounts=tuple(
            Mount(mount.get("Name") or "", mount.get("Source") or "", mount["Destination"]) for mount in found["mounts"] or ()
        ),
        environment={name: value for name, _, value in variables},
    )


def _short(said: str) -> str:
    return said.removeprefix("docker: ").removeprefix(DAEMON).removesuffix(SEE_HELP).strip()[:300]
