-- Dead letters that are sent again by themselves.

ALTER TABLE delivery ADD COLUMN parked_until INTEGER;

CREATE INDEX delivery_parked ON delivery (parked_until, seq) WHERE dead = 1 AND parked_until IS NOT NULL;
