-- What few rows have: copies, sub-processes, rounds of joins, groups. Tokens at joins are rows of `work`.

ALTER TABLE work ADD COLUMN more TEXT;
ALTER TABLE instance ADD COLUMN more TEXT;
ALTER TABLE step ADD COLUMN items TEXT;
