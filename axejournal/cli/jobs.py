"""`axej jobs`: what axej can do, as state machines."""

from __future__ import annotations

import click

from axejournal.cli.main import Group
from axejournal.domain.errors import UsageFault


@click.group(cls=Group, invoke_without_command=True, short_help="List the jobs, and draw their state machines.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def jobs(ctx: click.Context, as_json: bool) -> None:
    """List the jobs, and draw their state machines.

    \b
    Example:
      axej jobs
      axej jobs graph backup.local
    """
    if ctx.invoked_subcommand is not None:
        return
    from axejournal.cli.output import print_json
    from axejournal.cli.tables import Column, print_table
    from axejournal.jobs import JOBS

    rows = [(job.name, job.title, job.machine.version, job.machine.states) for job in JOBS.values()]
    if as_json:
        keys = ("job", "title", "version", "states")
        print_json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        print_table(
            ["job", Column("what it does", least=24), Column("states", least=24)],
            [(name, title, " ".join(states)) for name, title, _, states in rows],
        )


@jobs.command()
@click.argument("job")
def graph(job: str) -> None:
    """Draw a job's state machine as a Mermaid diagram.

    \b
    Example:
      axej jobs graph backup.local > backup.mmd
    """
    from axejournal.jobs import JOBS

    if job not in JOBS:
        raise UsageFault(f"no job {job}", f"The jobs are: {', '.join(JOBS)}.")
    click.echo(JOBS[job].machine.mermaid(), nl=False)
