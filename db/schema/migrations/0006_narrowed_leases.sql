-- What narrows a lease, and the leases that it was borrowed with: JSON lists, null
-- for none.
alter table leases add column session_name text not null default '';
alter table leases add column policies text not null default 'null';
alter table leases add column ancestors text not null default 'null';
create index leases_borrowed_with on leases (user_id, expires_at) where ancestors <> 'null';
