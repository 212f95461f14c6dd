-- Notices: whom the report of a broadcast is sent to, and when.

-- The broadcast whose report it carries, and why.
ALTER TABLE broadcast ADD COLUMN notice_of BLOB;
ALTER TABLE broadcast ADD COLUMN occasion TEXT;

-- Those that are still to come: one that is accepted, or given up, is deleted.
CREATE TABLE notice (
    broadcast INTEGER NOT NULL,
    occasion TEXT NOT NULL,
    target INTEGER NOT NULL,
    -- Its occasion has come.
    due INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (broadcast, occasion)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_due ON notice (target, broadcast) WHERE due = 1;
