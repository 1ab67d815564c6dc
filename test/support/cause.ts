/** The request for which calls of tests are made. */
export const CAUSE = { requestId: 'request-1' } as const
