-- Groups and teamspaces are circles of a workspace's members. kind is the word
-- that a grant's subject_kind has for them.
create table circles (
  id         text primary key,
  workspace  text not null references workspaces (id),
  kind       text not null,
  name       text not null,
  visibility text not null, -- of a teamspace, else empty
  created_by text not null, -- of a teamspace, else empty
  created_at bigint not null,
  unique (workspace, kind, name)
);

create table circle_members (
  workspace text not null references workspaces (id),
  circle    text not null references circles (id),
  user_id   text not null references users (id),
  role      text not null, -- in a teamspace, else empty
  since     bigint not null,
  primary key (circle, user_id)
);
create index circle_members_user on circle_members (user_id);

insert into circles (id, workspace, kind, name, visibility, created_by, created_at)
  select id, workspace, 'group', name, '', '', created_at from user_groups;
insert into circle_members (workspace, circle, user_id, role, since)
  select workspace, group_id, user_id, '', since from group_members;
drop table group_members;
drop table user_groups;
