-- Older processes: the table keeps its name and its columns, and the lock is short. They remove old records by ctid,
-- which rows of several partitions share; the records of later partitions are so young that a trigger refuses that.
SELECT partition_by_month('signed_requests');

-- Older processes: they do not call it.
DROP FUNCTION "partition_by_month"(text);
-- Older processes: they do not call it.
DROP FUNCTION "bound_ids"(text);
