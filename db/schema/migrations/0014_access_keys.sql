-- Long-lived keys, their rights on buckets, and the pairs that were handed out. A pair's
-- secret is sealed where our own S3 endpoint has to know it, and kept nowhere where the
-- store does.
alter table stores add column keys text not null default 'own';
alter table stores add column keys_endpoint text not null default '';

alter table buckets add column owner text references users (id);
create index buckets_owner on buckets (owner);

create table access_keys (
  id           text primary key,
  workspace    text not null references workspaces (id),
  store        text not null references stores (id),
  name         text not null,
  owner        text not null references users (id),
  token        text not null, -- that it was made with
  see_all      boolean not null,
  read_all     boolean not null,
  write_all    boolean not null,
  networks     text, -- JSON; null: everywhere
  state        text not null,
  reason       text not null,
  created_at   bigint not null,
  expires_at   bigint,
  last_used_at bigint,
  unique (workspace, name)
);
create index access_keys_store on access_keys (store);
create index access_keys_owner on access_keys (owner);

create table access_key_rights (
  workspace  text not null references workspaces (id),
  access_key text not null references access_keys (id),
  bucket     text not null references buckets (id),
  reads      boolean not null,
  writes     boolean not null,
  primary key (access_key, bucket)
);
create index access_key_rights_bucket on access_key_rights (bucket);

create table access_key_pairs (
  id         text primary key, -- the access key id
  workspace  text not null references workspaces (id),
  access_key text not null references access_keys (id),
  secret     blob, -- sealed; null where the store keeps it
  token      text not null, -- that it was issued with
  issued_at  bigint not null,
  ends_at    bigint
);
create index access_key_pairs_key on access_key_pairs (access_key);

-- What is to be done outside of the database, until it has been. One of a kind is about
-- one subject; what is asked for while it is being done is done again.
create table jobs (
  id            text primary key,
  workspace     text references workspaces (id), -- null: of the installation
  kind          text not null,
  subject       text not null,
  detail        text not null, -- what is to be known when the subject is gone
  run_at        bigint not null, -- 0: at once
  asked_again   boolean not null, -- since it was claimed
  attempts      bigint not null, -- that failed since it was asked for
  last_error    text not null,
  claims        bigint not null, -- how often it was claimed: the last one holds
  claimed_until bigint, -- null: nobody does it
  created_at    bigint not null,
  unique (kind, subject)
);
create index jobs_due on jobs (coalesce(claimed_until, run_at));
