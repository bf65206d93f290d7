-- When a token was last given another secret, and for the grace after that the
-- hash of the one before.
alter table tokens add column rotated_at bigint;
alter table tokens add column old_pepper bigint;
alter table tokens add column old_hash blob;
alter table tokens add column old_until bigint;
create unique index tokens_old_hash on tokens (old_pepper, old_hash);
