-- A credential without a workspace is the installation's, for its own stores.
create table credentials (
  id            text primary key,
  workspace     text references workspaces (id),
  name          text not null,
  provider      text not null,
  kind          text not null,
  access_key_id text not null,
  secret        blob not null, -- sealed, bound to this row
  created_at    bigint not null,
  updated_at    bigint not null,
  unique (workspace, name)
);
create unique index credentials_name on credentials (name) where workspace is null;

alter table stores add column endpoint text not null default '';
alter table stores add column region text not null default '';
alter table stores add column credential text references credentials (id);
create index stores_credential on stores (credential);
