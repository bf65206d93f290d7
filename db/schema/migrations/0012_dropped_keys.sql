-- Since when a data key is gone. Its line stays: what a process that still has the key in
-- memory makes with it is refused.
alter table data_keys add column dropped_at bigint;
