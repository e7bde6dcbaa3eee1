-- Words of articles and titles. The words come ready (lower case, without marks); a row's number says ticket, article and
-- whether customers see it. Nothing is stored but the index.

CREATE VIRTUAL TABLE search USING fts5 (words, content = '', contentless_delete = 1, detail = 'none', tokenize = 'unicode61 remove_diacritics 0');

-- Tickets up to this one are in it; later ones put themselves into it.
CREATE TABLE search_built (
  up_to INTEGER NOT NULL
) STRICT;
INSERT INTO search_built (up_to) SELECT CASE WHEN EXISTS (SELECT 1 FROM ticket) THEN 0 ELSE 9223372036854775807 END;
