-- The number of the ticket on which an article was written, where that is another one.

ALTER TABLE article ADD COLUMN origin TEXT;
