-- What a journal holds. Times are microseconds since 1970, UTC.

-- Every target that was ever named.
CREATE TABLE target (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    -- Of the newest claim; 0 before the first one.
    epoch INTEGER NOT NULL DEFAULT 0,
    -- What its gate must not forget, as JSON.
    gate TEXT
) STRICT;

-- A broadcast is numbered with its first delivery: those of the others follow.
CREATE TABLE broadcast (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    recipients INTEGER NOT NULL,
    route TEXT,
    accepted_at INTEGER NOT NULL,
    deadline INTEGER,
    -- Completion, rest, priority, trace and metadata, as JSON.
    pinned TEXT NOT NULL,
    caller_key TEXT,
    fingerprint BLOB,
    replay_of BLOB,
    satisfied INTEGER,
    completed_by TEXT,
    verdict_at INTEGER,
    settled_at INTEGER
) STRICT;

CREATE UNIQUE INDEX broadcast_caller_key ON broadcast (caller_key) WHERE caller_key IS NOT NULL;
CREATE INDEX broadcast_open ON broadcast (seq) WHERE settled_at IS NULL;
CREATE INDEX broadcast_settled ON broadcast (settled_at, seq) WHERE settled_at IS NOT NULL;

-- Apart, so that a verdict does not write it again.
CREATE TABLE payload (
    broadcast INTEGER PRIMARY KEY,
    content_type TEXT NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE delivery (
    seq INTEGER PRIMARY KEY,
    broadcast INTEGER NOT NULL,
    recipient INTEGER NOT NULL,
    required INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    span_id INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    order_key TEXT,
    -- The idempotency keys of the delivery that it repeats, as JSON.
    carried TEXT,
    -- From here on it changes.
    serving INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    events INTEGER NOT NULL DEFAULT 0,
    -- The oldest life of the process with a start that has no end.
    boot INTEGER,
    outcome TEXT,
    reason TEXT,
    -- The outcome whole, as JSON.
    ended TEXT,
    settled_at INTEGER,
    -- Ended without success, neither replayed nor discarded since.
    dead INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX delivery_due ON delivery (serving, priority, due_at, seq) WHERE settled_at IS NULL;
CREATE INDEX delivery_boot ON delivery (serving, boot) WHERE boot IS NOT NULL;
CREATE INDEX delivery_order ON delivery (recipient, order_key, seq)
    WHERE order_key IS NOT NULL AND settled_at IS NULL;
CREATE INDEX delivery_dead ON delivery (settled_at, seq) WHERE dead = 1;

CREATE TABLE event (
    delivery INTEGER NOT NULL,
    number INTEGER NOT NULL,
    -- As JSON; the body of a reply stands beside it.
    event TEXT NOT NULL,
    body BLOB,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

-- How often the journal was opened, and the like.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
