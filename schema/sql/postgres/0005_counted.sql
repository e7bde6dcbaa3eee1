-- Whether timers were counted anew with the calendars of this revision.

ALTER TABLE revision ADD COLUMN counted BOOLEAN NOT NULL DEFAULT false;
