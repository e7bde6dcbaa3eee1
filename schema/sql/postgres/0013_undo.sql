-- The order in which activities were completed, and whether what they did was taken back.

ALTER TABLE step ADD COLUMN ord BIGINT NOT NULL DEFAULT 0;
ALTER TABLE step ADD COLUMN undone BOOLEAN NOT NULL DEFAULT false;
