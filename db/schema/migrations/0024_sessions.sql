-- Those whom a browser has signed in. What its cookie holds is kept as a hash; the id is
-- what lists call it. One that was begun with a password ends with that.
create table sessions (
  id             text primary key,
  workspace      text, -- null: users belong to the installation
  user_id        text not null references users (id),
  password       text, -- passwords.password; null: begun without one
  pepper         bigint not null,
  hash           blob not null,
  created_at     bigint not null,
  created_from   text not null, -- the address
  browser        text not null, -- as it calls itself
  expires_at     bigint not null, -- moves on with its use
  last_used_at   bigint not null,
  last_used_from text not null,
  unique (pepper, hash)
);
create index sessions_user on sessions (user_id, last_used_at);
create index sessions_expires on sessions (expires_at);

-- Signed tokens whose users were removed, until they end by themselves: they open nothing
-- of a later user of the same name, and what was revoked stays so.
create table ended_bearers (
  pepper bigint not null,
  hash   blob not null,
  until  bigint not null,
  primary key (pepper, hash)
);
create index ended_bearers_until on ended_bearers (until);

-- Names that users had, and until when the last one of them: what was signed of a name
-- before is not of who has it now.
create table former_names (
  name  text primary key,
  until bigint not null
);
