-- Pairs that a store which keeps its keys itself may still have, and the record has no more:
-- those that have ended, and those that it was found with and nobody was handed out. They
-- go with their key.
create table ended_pairs (
  workspace  text not null references workspaces (id),
  access_key text not null references access_keys (id),
  id         text not null, -- the access key id
  told       boolean not null, -- an event tells of this pair that it has ended, or was found
  primary key (access_key, id)
);
