-- The passwords of those users who log in with one. What a password is checked
-- against is sealed, bound to the user's id; password changes whenever another
-- password is set, and tells whether the one that was shown is the one that is valid.
create table passwords (
  id         text primary key references users (id), -- the user's
  workspace  text, -- null: users belong to the installation
  password   text not null unique,
  hash       blob not null,
  set_at     bigint not null
);

-- Who may set a password without having one: once, and for a time.
create table password_resets (
  id         text primary key references users (id), -- the user's: the newest counts
  workspace  text, -- null: users belong to the installation
  pepper     bigint not null,
  hash       blob not null,
  expires_at bigint not null,
  unique (pepper, hash)
);
create index users_email on users (lower(email));
