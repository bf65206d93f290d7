-- What was done with leases at our S3 endpoint. A batch is the event that vouches
-- for its rows. They outlive what they name: no references.
create table object_requests (
  id         text primary key,
  batch      text not null,
  seq        bigint not null,
  at         bigint not null,
  workspace  text not null,
  user_id    text not null,
  token      text not null,
  lease      text not null,
  store      text not null,
  operation  text not null,
  access     text not null,
  bucket     text not null,
  object_key text not null,
  bytes      bigint not null,
  status     bigint not null,
  code       text not null,
  address    text not null,
  request_id text not null,
  unique (batch, seq)
);
create index object_requests_bucket on object_requests (store, bucket, id);
create index object_requests_user on object_requests (user_id, id);
