-- Older processes: the table keeps its name and its columns, and the lock is short. They remove old records by ctid,
-- which rows of several partitions share; the records of later partitions are so young that a trigger refuses that.
SELECT partition_by_month('audit_logs');
