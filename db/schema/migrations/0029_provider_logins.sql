-- Who somebody is here who logs in at another provider, by what is nobody else's there.
create table identities (
  workspace  text, -- null: users belong to the installation
  issuer     text not null,
  subject    text not null,
  user_id    text references users (id), -- null: that user was removed here
  created_at bigint not null,
  primary key (issuer, subject)
);
create index identities_user on identities (user_id);

-- What a login has given for what the provider said, and the next one takes if it does not
-- say so any more. What was given by hand is not here.
create table login_gifts (
  user_id   text not null references users (id),
  issuer    text not null,
  workspace text not null, -- empty: the installation, which the user administers
  circle    text not null, -- the group; empty: the workspace itself
  primary key (user_id, issuer, workspace, circle)
);

-- Logins at other providers that browsers have begun. Each comes back once.
create table begun_logins (
  hash       blob primary key, -- of what the browser holds: 256 bits of chance, for ten minutes
  workspace  text, -- null: nobody is known yet
  provider   text not null,
  expires_at bigint not null
);
create index begun_logins_expires on begun_logins (expires_at);

-- The issuer at which a session's user has logged in.
alter table sessions add column issuer text; -- null: none
