-- Which programs can work with this schema: those that know at least so many of its steps. A release only adds, so that the
-- one before it runs beside it; what is removed goes one release later.

CREATE TABLE schema_needs (
  steps BIGINT NOT NULL
);
INSERT INTO schema_needs (steps) VALUES (19);
