-- Clients that were made for Earthdata Login: their codes do without PKCE.
alter table oauth_clients add column earthdata boolean; -- null: no

-- What of a user's signed token its own row does not tell: with that, and with the key that
-- signed it, the same text is made again, so that it need not be kept.
create table earthdata_tokens (
  id         text primary key references tokens (id) on delete cascade, -- the token's
  workspace  text, -- null: users belong to the installation
  signed_by  text not null references oauth_keys (id),
  uid        text not null, -- what the user was called then
  issued_at  bigint not null, -- as it was signed, like the next
  expires_at bigint not null
);
create index earthdata_tokens_key on earthdata_tokens (signed_by);
