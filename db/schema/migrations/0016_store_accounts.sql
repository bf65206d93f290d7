-- A workspace's standing on a store, on which what it has there rests.
create table store_accounts (
  id             text primary key,
  workspace      text not null references workspaces (id),
  store          text not null references stores (id),
  state          text not null,
  reason         text not null,
  provisioned_at bigint,
  keep_until     bigint, -- null: not in the trash
  created_at     bigint not null,
  unique (workspace, store)
);
create index store_accounts_store on store_accounts (store);

-- Who has something there has an account. Their ids are numbers, which no later id is.
insert into store_accounts (id, workspace, store, state, reason, provisioned_at, created_at)
select 'objacc_000000000' || substr(cast(1000000 + row_number() over (order by workspace, store) as text), 2),
  workspace, store, 'provisioned', '', min(created_at), min(created_at)
from (select workspace, store, created_at from buckets union all select workspace, store, created_at from access_keys) as has
group by workspace, store;

-- Buckets that are made at the store, with what is said of them.
alter table buckets add column state text not null default 'configured';
alter table buckets add column label text not null default '';
alter table buckets add column serve_static_site boolean not null default false;
alter table buckets add column static_site_index text not null default '';
alter table buckets add column static_site_error text not null default '';
alter table buckets add column all_keys_read boolean not null default false;
alter table buckets add column all_keys_write boolean not null default false;
alter table buckets add column presigned_since bigint; -- null: never revoked
alter table buckets add column max_presigned_micros bigint not null default 86400000000;

-- How much is in a bucket, as it was counted last.
create table bucket_usage (
  bucket     text primary key references buckets (id),
  workspace  text not null references workspaces (id),
  objects    bigint not null,
  bytes      bigint not null,
  counted_at bigint not null
);
create index bucket_usage_workspace on bucket_usage (workspace);
