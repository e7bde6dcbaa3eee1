-- Words of articles and titles. The words come ready (lower case, without marks); a row's number says ticket, article and
-- whether customers see it.

CREATE TABLE search (
  doc BIGINT PRIMARY KEY,
  words TSVECTOR NOT NULL
);
CREATE INDEX search_words ON search USING gin (words);

-- Tickets up to this one are in it; later ones put themselves into it.
CREATE TABLE search_built (
  up_to BIGINT NOT NULL
);
INSERT INTO search_built (up_to) SELECT CASE WHEN EXISTS (SELECT 1 FROM ticket) THEN 0 ELSE 9223372036854775807 END;
