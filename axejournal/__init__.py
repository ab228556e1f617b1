"""axe-journal: crash-safe backups of PostgreSQL and files in three tiers, with every step in a journal. The map.

Every piece of work is a *run* of a *job*. A job is a state machine; a run's *steps* are its side effects. Before each
step its intent is appended to the *journal*, after it its fact; so a run that is killed at any instant goes on where it
was, and years later the journal still tells what happened.

The rooms, from the inside out. Imports point inward only; tests/test_architecture.py holds that.

  domain/     THE RULES, pure. events, facts/: what can be recorded. machine: state tables. run: the fold of a run's
              events. job: what a job declares and what a step is. policy: what retention keeps. patterns: `require:`.
              ports: what the inside asks of the outside. errors: the tree of failures with exit codes and runbooks.
  config/     axej.yaml and customers.yaml, checked: every fault with file, line and remedy.
  jobs/       WHAT RUNS. One file a job (its table and stages), steps/ one verb a file, each with act() and probe().
              planning: from the configuration to a run's plan. A new job is one file here and one line in the tuple.
  engine/     WHEN. runner: the loop (intent, effect, fact). execute: begin, and resume after a crash. log: the one
              writer of a run. schedule: slots. calendar: cron in the words of launchd and systemd.
  journal/    MEMORY. store appends; reader answers history, status and points by plain sqlite3; projections/ are
              tables computed from events; verify proves the chain; leases tell who lives; memory answers the steps.
  programs/   HANDS. One folder an outside program: restic/, postgres/, docker/, ssh/, volumes/, secrets/, scheduler/.
              process: the only subprocess; children: ends what a dead run left; traces: progress and logs; clock, disk,
              awake; install: gets restic; notify: Slack; commands: the operator's own; crash: for tests.
  checks/     what `axej doctor` looks at.
  app/        WHERE THE PARTS MEET. app: the assembled program, which begins runs; parts (ring_parts, proof_parts): what it is
              made of. One kind of work a file: restoring (tag_points: where the journal was lost); recovering, placing: a
              lost machine out of a repository; copying, ring_serving: the ring, and the one folder that a partner's key gets
              here; cold*: disks in a drawer; keys, key_*: who opens what; proving, scratches: checks, drills and the
              servers that drills restore into; paging (naked: on a new machine): pages of runbooks/ as runs; telling: messages
              of the outbox; watching: what is overdue; evidence: what a report says; due: what a scheduled call has to do;
              schedules: what launchd or systemd starts.
  demo/       the world of `axej demo`.
  cli/        FACE. door: the entry point. main: the root. One file a noun. output, progress: how things look.

Beside the package: migrations/ (the journal's tables), runbooks/ (a page for each scenario and each failure),
launchd/ (the schedules of the reference configuration); all three ship inside the wheel, found by shipped.py.

A nightly backup, each room once: launchd -> cli/door -> app/due (is a slot due?) -> cli/backup -> config -> app ->
engine/execute takes leases (journal/leases) -> engine/runner loops: jobs/local_backup names the steps of this state ->
jobs/steps/dump_database acts -> programs/postgres -> programs/process. The fact DatabaseDumped -> engine/log asks
domain/machine for the next state -> journal/store appends it with the projections -> cli/progress shows it.

A crash: cli/resume -> engine/execute: an open run whose lease nobody holds -> programs/children ends its processes,
containers and sessions -> domain/run folds its events: a step is open -> steps/take_snapshot.probe looks for the
snapshot by its tag: found, its fact is appended; not found, act() is attempt 2 -> the runner goes on.
"""

__version__ = "0.1.0"
