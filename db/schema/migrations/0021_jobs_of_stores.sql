-- The store that a job asks something of, so that one that does not answer has its share
-- of the jobs that run at a time, and no more; null: none.
alter table jobs add column store text;
update jobs set store = detail where kind = 'access_key';
