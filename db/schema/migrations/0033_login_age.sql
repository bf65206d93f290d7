-- When the user of a session has logged in at the provider, as that one says.
alter table sessions add column logged_in bigint; -- null: it does not say, or the session was begun here

-- Where a login leads on to, and how old it may be that comes back.
alter table begun_logins add column next text; -- null: one of before
alter table begun_logins add column most_age bigint; -- seconds, 0: it is made anew; null: however old

-- A consent that was given in a session that was begun at a provider ends with what that one says.
alter table oauth_consents add column issuer text; -- null: it was given in no such session
alter table oauth_consents add column ends_at bigint; -- whatever comes of it ends then; null: it has an end for each thing alone
-- Nobody knows of those of before in which sessions they were given. Users who have logged in at a provider refresh
-- theirs no further than they reach now, and are asked again then.
update oauth_consents set ends_at = expires_at where user_id in (select user_id from identities where user_id is not null);
