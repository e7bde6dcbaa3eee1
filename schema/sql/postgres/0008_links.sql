-- Links are found from both their ends.

CREATE INDEX ticket_link_other ON ticket_link (other_id);
