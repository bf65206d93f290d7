-- Since when leases may list all of a bucket, whatever their prefix; null: they may not.
alter table buckets add column list_whole_since bigint;
-- Of a location whose data is being reviewed or was published: pending, released; empty: neither.
alter table locations add column release text not null default '';
