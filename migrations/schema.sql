CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  event_id TEXT UNIQUE NOT NULL,
  run TEXT NOT NULL,
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  step TEXT,
  attempt INTEGER,
  epoch INTEGER NOT NULL,
  process TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  recorded_at_us INTEGER NOT NULL,
  monotonic_us INTEGER NOT NULL,
  data TEXT NOT NULL CHECK (json_valid(data)),
  previous_hash BLOB NOT NULL,
  hash BLOB NOT NULL,
  UNIQUE (run, number)
) STRICT;

CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: an event is never changed'); END;

CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: an event is never removed'); END;

CREATE TRIGGER events_refuse_replace BEFORE INSERT ON events
WHEN NEW.position <= (SELECT max(position) FROM events)
  OR EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
  OR EXISTS (SELECT 1 FROM events WHERE run = NEW.run AND number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'the journal is append-only: an event is never replaced'); END;

CREATE TABLE runs (
  first_position INTEGER PRIMARY KEY,
  run TEXT UNIQUE NOT NULL,
  job TEXT NOT NULL,
  customer TEXT NOT NULL,
  slot TEXT,
  slot_us INTEGER,
  trigger TEXT NOT NULL,
  program_version TEXT NOT NULL,
  state TEXT NOT NULL,
  outcome TEXT NOT NULL,
  decision TEXT,
  requested_at_us INTEGER NOT NULL,
  started_at_us INTEGER,
  finished_at_us INTEGER,
  attempts INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  resumed INTEGER NOT NULL,
  snapshots TEXT NOT NULL,
  error TEXT,
  message TEXT,
  hint TEXT,
  runbook TEXT,
  exit_code INTEGER,
  epoch INTEGER NOT NULL,
  number INTEGER NOT NULL,
  last_position INTEGER NOT NULL,
  last_at_us INTEGER NOT NULL,
  size_bytes INTEGER,
  added_bytes INTEGER,
  stored_bytes INTEGER
, tier TEXT) STRICT;

CREATE INDEX runs_by_job ON runs (job, customer, first_position);

CREATE INDEX runs_by_slot ON runs (job, customer, slot_us) WHERE slot_us IS NOT NULL;

CREATE INDEX runs_open ON runs (first_position) WHERE outcome = 'open';

CREATE TABLE restore_points (
  repository TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  source TEXT NOT NULL,
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  kind TEXT NOT NULL,
  run TEXT NOT NULL,
  time TEXT NOT NULL,
  time_us INTEGER NOT NULL,
  taken_at TEXT NOT NULL,
  recorded_at_us INTEGER NOT NULL,
  paths TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  files INTEGER NOT NULL,
  proof TEXT NOT NULL,
  removed_by TEXT,
  removed_at_us INTEGER, proof_by TEXT, proof_reason TEXT,
  PRIMARY KEY (repository, snapshot, source)
) STRICT, WITHOUT ROWID;

CREATE INDEX restore_points_by_time ON restore_points (time_us, source);

CREATE INDEX restore_points_present ON restore_points (customer, source, tier, time_us, removed_by) WHERE removed_by IS NULL;

CREATE TABLE freshness (
  job TEXT NOT NULL,
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  attempt_run TEXT NOT NULL,
  attempt_slot TEXT,
  attempt_at_us INTEGER NOT NULL,
  attempt_outcome TEXT NOT NULL,
  success_run TEXT,
  success_at_us INTEGER,
  success_slot TEXT,
  success_slot_us INTEGER,
  done_run TEXT,
  done_at_us INTEGER,
  failures INTEGER NOT NULL,
  PRIMARY KEY (job, customer, tier)
) STRICT, WITHOUT ROWID;

CREATE TABLE last_dumps (
  customer TEXT NOT NULL,
  source TEXT NOT NULL,
  position INTEGER,
  unproven_run TEXT,
  unproven_position INTEGER,
  PRIMARY KEY (customer, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE repositories (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  repository TEXT NOT NULL,
  met_position INTEGER NOT NULL,
  place TEXT,
  recorded_by TEXT,
  recorded_position INTEGER,
  size_bytes INTEGER,
  snapshots INTEGER,
  measured_at_us INTEGER,
  pruned_at_us INTEGER,
  PRIMARY KEY (customer, tier, repository)
) STRICT, WITHOUT ROWID;

CREATE TABLE physical_copies (
  customer TEXT NOT NULL,
  source TEXT NOT NULL,
  time_us INTEGER NOT NULL,
  position INTEGER NOT NULL,
  repository TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (customer, source, time_us, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX physical_copies_by_snapshot ON physical_copies (repository, snapshot);

CREATE TABLE outbox (
  position INTEGER PRIMARY KEY,
  customer TEXT NOT NULL,
  job TEXT NOT NULL,
  tier TEXT NOT NULL,
  subject TEXT NOT NULL,
  run TEXT NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  nights INTEGER NOT NULL,
  since_us INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  replaced_by INTEGER
) STRICT;

CREATE INDEX outbox_present ON outbox (customer, job, at_us) WHERE replaced_by IS NULL;

CREATE TABLE troubles (
  customer TEXT NOT NULL,
  job TEXT NOT NULL,
  tier TEXT NOT NULL,
  subject TEXT NOT NULL,
  code TEXT NOT NULL,
  count INTEGER NOT NULL,
  nights INTEGER NOT NULL,
  since_us INTEGER NOT NULL,
  last_slot TEXT,
  PRIMARY KEY (customer, job, tier, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  message INTEGER NOT NULL,
  channel TEXT NOT NULL,
  sent_at_us INTEGER NOT NULL,
  PRIMARY KEY (message, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE channels (
  channel TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  why TEXT NOT NULL,
  failed_at_us INTEGER NOT NULL,
  not_before_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE data_reads (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  repository TEXT NOT NULL,
  parts INTEGER NOT NULL,
  part INTEGER NOT NULL,
  run TEXT NOT NULL,
  read_at_us INTEGER NOT NULL,
  good_at_us INTEGER,
  faults INTEGER NOT NULL,
  size_bytes INTEGER,
  PRIMARY KEY (customer, tier, repository, parts, part)
) STRICT, WITHOUT ROWID;

CREATE TABLE disks (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  disk TEXT NOT NULL,
  volume TEXT NOT NULL,
  filesystem TEXT NOT NULL,
  place TEXT NOT NULL,
  repository TEXT NOT NULL,
  keys TEXT NOT NULL,
  machine_key TEXT,
  recorded_by TEXT NOT NULL,
  recorded_at_us INTEGER NOT NULL,
  synced_by TEXT,
  synced_at_us INTEGER,
  snapshots INTEGER,
  free_bytes INTEGER,
  journal_head TEXT,
  mark TEXT,
  opens TEXT, paper_as_of_us INTEGER,
  PRIMARY KEY (customer, tier, disk)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_proofs (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  repository TEXT NOT NULL,
  kind TEXT NOT NULL,
  disk TEXT NOT NULL,
  run TEXT NOT NULL,
  proven_at_us INTEGER NOT NULL,
  PRIMARY KEY (customer, tier, repository, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE ring_facts (
  customer TEXT NOT NULL,
  tier TEXT NOT NULL,
  name TEXT NOT NULL,
  run TEXT NOT NULL,
  position INTEGER NOT NULL,
  recorded_at_us INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (customer, tier, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE copies (
  repository TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  original TEXT NOT NULL,
  PRIMARY KEY (repository, snapshot)
) STRICT, WITHOUT ROWID;
