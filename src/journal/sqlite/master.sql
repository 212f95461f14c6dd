-- Sealing: a data key for each broadcast, wrapped by a master key, which stands nowhere here.

-- Every master key that something may be wrapped by, and what names are hashed with, wrapped by it.
CREATE TABLE master_key (
    -- The beginning of its digest.
    id BLOB PRIMARY KEY,
    wrapped BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The master key that wraps the data key of this broadcast; none where it is not sealed. Where it is, `pinned` is empty,
-- and what would stand there is in `sealed`, with the caller's and the order keys; those are hashed in their columns.
-- `payload.bytes` is sealed as a whole. `event.event` is empty, and `event.body` has both, sealed.
ALTER TABLE broadcast ADD COLUMN master BLOB;
ALTER TABLE broadcast ADD COLUMN wrapped BLOB;
ALTER TABLE broadcast ADD COLUMN sealed BLOB;
