-- Sessions that a store's own token service mints.
alter table stores add column console text not null default '';
alter table stores add column proof text not null default 'null'; -- JSON object: whether its sessions were found confined
alter table credentials add column sessions text not null default '{}'; -- JSON object: how its sessions are asked for
alter table locations add column kms_key text not null default '';
alter table locations add column shared_sessions boolean not null default false;

-- Leases that are served from one vend have the keys of one session: the id of those is
-- not of one lease any more.
create table leases_of_vends (
  id            text primary key,
  workspace     text not null,
  user_id       text not null,
  token         text not null,
  pair          text not null default '',
  presigned     boolean not null default false,
  store         text not null,
  store_name    text not null,
  access_key_id text not null,
  vend          text not null default '',
  access        text not null,
  parts         text not null, -- JSON list
  session_name  text not null default '',
  policies      text not null default 'null', -- JSON list
  ancestors     text not null default 'null', -- JSON list
  issued_at     bigint not null,
  expires_at    bigint not null,
  revoked_at    bigint
);
insert into leases_of_vends
  select id, workspace, user_id, token, pair, presigned, store, store_name, access_key_id, '', access, parts,
    session_name, policies, ancestors, issued_at, expires_at, revoked_at from leases;
drop table leases;
alter table leases_of_vends rename to leases;
create index leases_user on leases (user_id, id);
create index leases_workspace on leases (workspace, id);
create index leases_revoked on leases (expires_at) where revoked_at is not null;
create index leases_borrowed_with on leases (user_id, expires_at) where ancestors <> 'null';
create unique index leases_access_key on leases (access_key_id) where vend = '';
