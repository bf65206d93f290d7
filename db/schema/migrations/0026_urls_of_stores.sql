-- Presigned URLs that stores' own sessions have signed, of which those that work are told
-- when a bucket's are revoked.
create index leases_urls on leases (store, expires_at) where presigned and vend <> '';
