-- What was done to rights, among all that was lent and used.
create index events_action on events (action, at);
