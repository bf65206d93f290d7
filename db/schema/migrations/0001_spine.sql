create table installation (
  id         text primary key, -- the cluster id
  created_at bigint not null
);

create table keysets (
  name       text primary key,
  kek        text not null,
  wrapped    blob not null,
  created_at bigint not null
);

create table users (
  id           text primary key,
  name         text not null unique,
  full_name    text not null,
  email        text not null,
  admin        boolean not null,
  active       boolean not null,
  active_since bigint not null,
  created_at   bigint not null
);

create table workspaces (
  id         text primary key,
  name       text not null unique,
  created_at bigint not null
);

create table workspace_members (
  workspace text not null references workspaces (id),
  user_id   text not null references users (id),
  role      text not null,
  since     bigint not null,
  primary key (workspace, user_id)
);
create index workspace_members_user on workspace_members (user_id);

-- The user groups of a workspace; "groups" is a keyword of SQL.
create table user_groups (
  id         text primary key,
  workspace  text not null references workspaces (id),
  name       text not null,
  created_at bigint not null,
  unique (workspace, name)
);

create table group_members (
  workspace text not null references workspaces (id),
  group_id  text not null references user_groups (id),
  user_id   text not null references users (id),
  since     bigint not null,
  primary key (group_id, user_id)
);
create index group_members_user on group_members (user_id);

-- A token's workspace is where it is confined to, null for nowhere in
-- particular.
create table tokens (
  id         text primary key,
  workspace  text references workspaces (id),
  user_id    text not null references users (id),
  name       text not null,
  scopes     text not null, -- JSON list
  pepper     bigint not null,
  hash       blob not null,
  expires_at bigint,
  since      bigint not null,
  created_at bigint not null,
  created_from text not null,
  unique (pepper, hash)
);
create index tokens_user on tokens (user_id);
create index tokens_workspace on tokens (workspace);

-- A store without a workspace serves all of them.
create table stores (
  id         text primary key,
  workspace  text references workspaces (id),
  name       text not null unique,
  kind       text not null,
  path       text not null,
  lends      text not null,
  created_at bigint not null
);
create index stores_workspace on stores (workspace);

create table buckets (
  id         text primary key,
  workspace  text not null references workspaces (id),
  store      text not null references stores (id),
  name       text not null,
  created_at bigint not null,
  unique (store, name),
  unique (workspace, name)
);

create table locations (
  id               text primary key,
  workspace        text not null references workspaces (id),
  bucket           text not null references buckets (id),
  prefix           text not null,
  name             text not null,
  owner            text not null references users (id),
  locked           boolean not null,
  writable_since   bigint not null,
  max_lease_micros bigint not null,
  created_at       bigint not null,
  unique (bucket, prefix),
  unique (workspace, name)
);
create index locations_owner on locations (owner);

-- subject is a user's or a group's id, empty for everyone.
create table grants (
  id           text primary key,
  workspace    text not null references workspaces (id),
  location     text not null references locations (id),
  prefix       text not null,
  subject_kind text not null,
  subject      text not null,
  access       text not null,
  expires_at   bigint,
  since        bigint not null,
  created_by   text not null,
  created_at   bigint not null
);
create index grants_location on grants (location);
create index grants_subject on grants (subject_kind, subject);

-- The record of what was lent outlives what it names: no references.
create table leases (
  id            text primary key,
  workspace     text not null,
  user_id       text not null,
  token         text not null,
  store         text not null,
  store_name    text not null,
  access_key_id text not null unique,
  access        text not null,
  parts         text not null, -- JSON list
  issued_at     bigint not null,
  expires_at    bigint not null,
  revoked_at    bigint
);
create index leases_user on leases (user_id, id);
create index leases_workspace on leases (workspace, id);
create index leases_revoked on leases (expires_at) where revoked_at is not null;

create table audit_registry (
  id     bigint primary key, -- always 1
  chains bigint not null,
  sign   blob not null
);

create table audit_chains (
  id     text primary key,
  number bigint not null unique,
  seq    bigint not null,
  hash   blob not null,
  sign   blob not null
);

create table events (
  chain      text not null,
  seq        bigint not null,
  id         text not null unique,
  at         bigint not null,
  workspace  text not null, -- empty: of the installation
  user_id    text not null,
  token      text not null,
  address    text not null,
  request_id text not null,
  action     text not null,
  target     text not null,
  detail     text not null, -- JSON object
  hash       blob not null,
  primary key (chain, seq)
);
create index events_workspace on events (workspace, id);
create index events_user on events (user_id, id);
create index events_target on events (target, id);

-- The change feed: what memory elsewhere must read again.
create table changes (
  seq       bigint primary key,
  at        bigint not null,
  workspace text not null,
  kind      text not null,
  id        text not null
);
