/**
 * Names a server and its timeline, in SQL. A promoted standby has another timeline and another time of start. The
 * address is not part of the name, because one server may have several.
 */
export const SERVER = `concat_ws(' ', CASE WHEN NOT pg_is_in_recovery() THEN wal_timeline() END,
  extract(epoch FROM pg_postmaster_start_time()))`
