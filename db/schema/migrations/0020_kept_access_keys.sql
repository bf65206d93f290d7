-- What a store that keeps access keys itself is to have of one, and has.
alter table access_keys add column revision bigint not null default 0; -- grows with each change that the store has to follow
alter table access_keys add column applied text not null default ''; -- digest of what the store has
alter table access_keys add column issuing_until bigint; -- it may be issuing a pair until then
