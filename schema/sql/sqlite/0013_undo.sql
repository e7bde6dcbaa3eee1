-- The order in which activities were completed, and whether what they did was taken back.

ALTER TABLE step ADD COLUMN ord INTEGER NOT NULL DEFAULT 0;
ALTER TABLE step ADD COLUMN undone INTEGER NOT NULL DEFAULT 0;
