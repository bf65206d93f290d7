-- How far each process has come that writes where a commit can end in doubt: one whose
-- connection was lost while it committed sees here whether that was kept. A process that
-- writes rarely makes its row again.
create table writers (
  id     text primary key,
  writes bigint not null,
  at     bigint not null
);
