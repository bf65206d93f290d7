-- Refresh tokens go when they have expired, also those of a consent that lives on.
create index oauth_refreshes_expiry on oauth_refreshes (expires_at);
