-- A session of a store of which a lease was revoked is lent to nobody any more, by whatever
-- process: each asks before it lends one again.
create index leases_revoked_vend on leases (vend) where revoked_at is not null and vend <> '';
