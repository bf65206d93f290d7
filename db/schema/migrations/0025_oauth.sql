-- Programs to which users hand tokens of theirs.
create table oauth_clients (
  id           text primary key,
  workspace    text, -- null: clients belong to the installation
  name         text not null unique, -- its client_id
  title        text not null,
  flows        text not null, -- JSON
  redirects    text, -- JSON
  trusted      boolean not null,
  signed       boolean not null,
  scopes       text not null, -- JSON
  access_life  bigint not null, -- seconds
  refresh_life bigint not null, -- seconds; 0: not at all
  pepper       bigint, -- null: a public client
  hash         blob,
  created_at   bigint not null
);

-- What a user has let a client do. All that came of it ends with it. The client has no row
-- where it is the command line.
create table oauth_consents (
  id         text primary key,
  workspace  text, -- null: users belong to the installation
  client     text not null,
  user_id    text not null references users (id),
  scopes     text not null, -- JSON
  openid     boolean not null,
  nonce      text not null,
  logged_in  bigint not null,
  created_at bigint not null,
  expires_at bigint not null
);
create index oauth_consents_user on oauth_consents (user_id);
create index oauth_consents_expiry on oauth_consents (expires_at);

-- The code of a consent, kept when it was used, so that it is known when it comes again.
create table oauth_codes (
  id         text primary key references oauth_consents (id) on delete cascade, -- the consent's
  workspace  text,
  pepper     bigint not null,
  hash       blob not null,
  redirect   text not null,
  challenge  text not null, -- S256
  expires_at bigint not null,
  used_at    bigint,
  unique (pepper, hash)
);

-- The refresh tokens of a consent: one that works, and those that were used.
create table oauth_refreshes (
  id         text primary key,
  workspace  text,
  consent    text not null references oauth_consents (id) on delete cascade,
  pepper     bigint not null,
  hash       blob not null,
  expires_at bigint not null,
  used_at    bigint,
  unique (pepper, hash)
);
create index oauth_refreshes_consent on oauth_refreshes (consent);

-- An access token names its consent.
alter table tokens add column consent text; -- null: it came of none
create index tokens_consent on tokens (consent);

-- Devices that wait for somebody to type their code.
create table oauth_devices (
  id         text primary key,
  workspace  text,
  client     text not null,
  pepper     bigint not null,
  hash       blob not null,
  code       text not null unique, -- what the user types
  scopes     text not null, -- JSON
  openid     boolean not null,
  address    text not null, -- from where it asked
  created_at bigint not null,
  expires_at bigint not null,
  consent    text references oauth_consents (id) on delete cascade, -- null: not yet, or refused
  refused    boolean not null,
  unique (pepper, hash)
);
create index oauth_devices_expiry on oauth_devices (expires_at);

-- What signs. The newest that was not retired does; the others are published until nothing
-- lives that they have signed.
create table oauth_keys (
  id         text primary key, -- its kid
  workspace  text,
  secret     blob not null, -- sealed
  public     text not null, -- PKIX, in base64
  created_at bigint not null,
  retired_at bigint
);
