/**
 * Names a server and its timeline, in SQL. A promoted standby has another timeline and another time of start. The
 * address is not part of the name, because one server may have several. It uses no function of this project, because a
 * server that starts asks a database that may still be empty.
 */
export const SERVER = `concat_ws(' ',
  CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
  extract(epoch FROM pg_postmaster_start_time()))`
