-- The access key id of the pair of an access key that a lease was borrowed with, itself
-- or the first one before it; empty: a token borrowed that one.
alter table leases add column pair text not null default '';
