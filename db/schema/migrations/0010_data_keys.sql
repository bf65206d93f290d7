-- When a data key was made, and since when another one is used in its place. One that
-- has no line is the first of its keyset, and as old as that.
create table data_keys (
  keyset     text not null references keysets (name),
  id         bigint not null,
  created_at bigint not null,
  retired_at bigint,
  primary key (keyset, id)
);
