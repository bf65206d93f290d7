-- Programs since 0034 go on working.
--
-- When a session's user has logged in is said of each one, also of those that were begun here.
update sessions set logged_in = created_at where issuer is null;

-- Where a login leads on to is sealed. Those that are under way begin again.
delete from begun_logins;
