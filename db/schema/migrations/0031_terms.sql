-- Networks from which a location is reached: a JSON list; null: from everywhere.
alter table locations add column networks text;
alter table locations add column networks_since bigint; -- when they were last narrowed; null: never
-- The version of the terms of use that have to be accepted; empty: none have to.
alter table locations add column terms text not null default '';

-- Every text that a location has had: who accepted which can be read later.
create table terms (
  location  text not null references locations (id),
  version   text not null, -- a digest of title and text
  workspace text not null,
  title     text not null,
  text      text not null,
  set_by    text not null,
  set_at    bigint not null,
  primary key (location, version)
);

create table terms_accepted (
  location    text not null references locations (id),
  user_id     text not null references users (id),
  version     text not null,
  workspace   text not null,
  accepted_at bigint not null,
  primary key (location, user_id, version)
);
create index terms_accepted_user on terms_accepted (user_id);
