-- From where a token may be used, how often, what its user notes about it, when it
-- was last changed and used, and with which token it was made.
alter table tokens add column networks text; -- JSON list of CIDR; null: everywhere
alter table tokens add column requests_per_minute bigint not null default 0; -- 0: as many as the installation says
alter table tokens add column annotations text; -- JSON object of texts
alter table tokens add column updated_at bigint;
alter table tokens add column last_used_at bigint;
alter table tokens add column last_used_from text;
alter table tokens add column made_with text; -- no reference: a token that ends hands on those made with it
create index tokens_made_with on tokens (made_with);
create index tokens_expires on tokens (expires_at);
