-- The access key id of the pair that a request was signed with, or that its lease was
-- borrowed with; empty: a token borrowed that.
alter table object_requests add column pair text not null default '';
