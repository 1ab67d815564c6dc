-- Older processes: their ids are of the present, and the bound is more than a month away. The lock is short.
SELECT bound_ids('signed_requests');
