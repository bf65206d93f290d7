-- A token that stands for a signed token of an issuer is kept until that ends, also when it
-- was revoked: then it expires before.
alter table tokens add column issuer text; -- null: of none
alter table tokens add column issuer_rules text; -- what stood for the issuer's rules
alter table tokens add column issued_until bigint; -- when the signed token ends
create index tokens_issued_until on tokens (issued_until);
