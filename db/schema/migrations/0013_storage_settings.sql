-- A location may be a teamspace's, and one of a place its default: TileDB calls such a
-- location with its store's credential a storage setting. A store that acts through a
-- teamspace's credential serves that one alone. One that was made with a setting, for its
-- bucket, takes no other, and goes with it.
alter table locations add column teamspace text references circles (id);
alter table locations add column is_default boolean not null default false;
create index locations_teamspace on locations (teamspace);
create unique index locations_default on locations (coalesce(teamspace, workspace)) where is_default;
alter table stores add column teamspace text references circles (id);
create index stores_teamspace on stores (teamspace);
alter table stores add column one_bucket boolean not null default false;
