-- Which workspace a role with its external id belongs to; mark is a keyed hash of both.
create table role_claims (
  mark      text primary key,
  workspace text not null -- empty: the installation
);

-- Credentials of workspaces and teamspaces, of every provider and kind. A place is
-- a teamspace, else a workspace, else the installation: in it a name is unique, a
-- provider has one default at most, and the place one base. Nothing can be taken off a table's constraints,
-- so the table is made anew.
create table credentials_of_places (
  id               text primary key,
  workspace        text references workspaces (id), -- null: of the installation
  teamspace        text references circles (id),
  name             text not null,
  provider         text not null,
  kind             text not null,
  principal        text not null, -- whom it acts as
  key_id           text not null,
  endpoint         text not null,
  is_default       boolean not null,
  tasks_since      bigint, -- when tasks were allowed to use it; null: they are not
  is_base          boolean not null,
  any_external_id  boolean not null,
  role_mark        text references role_claims (mark),
  secret           blob not null, -- sealed, bound to this row
  created_at       bigint not null,
  updated_at       bigint not null
);
insert into credentials_of_places
  select id, workspace, null, name, provider, kind, access_key_id, '', '', false, null, false, false, null, secret, created_at, updated_at from credentials;
alter table stores add column acts_by text references credentials_of_places (id);
update stores set acts_by = credential;
drop index stores_credential;
alter table stores drop column credential;
drop table credentials;
alter table credentials_of_places rename to credentials;
alter table stores rename column acts_by to credential;
create index stores_credential on stores (credential);
create unique index credentials_name on credentials (coalesce(teamspace, workspace, ''), name);
create unique index credentials_default on credentials (coalesce(teamspace, workspace, ''), provider) where is_default;
create unique index credentials_base on credentials (coalesce(teamspace, workspace, '')) where is_base;
create index credentials_workspace on credentials (workspace);
create index credentials_teamspace on credentials (teamspace);
create index credentials_role_mark on credentials (role_mark);
