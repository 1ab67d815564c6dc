/** Settings for a busy machine, on which the database and the server answer late: no fault in most tests. */
export const PATIENT = { AUTH4AGENT_DB_TIMEOUT: '1m', AUTH4AGENT_REQUEST_TIMEOUT: '1m' } as const
