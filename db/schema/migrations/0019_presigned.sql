-- A lease whose keys nobody was given: they signed one URL.
alter table leases add column presigned boolean not null default false;
