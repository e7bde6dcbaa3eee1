-- Whether what a run did on a ticket failed: counted when the batch ends, whoever wrote the marks.

ALTER TABLE job_done ADD COLUMN failed BOOLEAN NOT NULL DEFAULT false;
