import { toApiError } from '../platform/errors/api-error.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import { ConfigError } from './configuration/config.ts'

/** Mistakes of a configuration or a machine by the code of their error, in words for the person who can mend them. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Set PORT, AUTH4AGENT_GRPC_PORT or AUTH4AGENT_INTERNAL_PORT to a port that is free.',
  EACCES: 'The server may not use this; run it as a user who may, or choose another.',
  ENOENT: 'Check the path.',
  '28P01': 'The user or password in DATABASE_URL is not right.',
  '28000': 'The user or password in DATABASE_URL is not right.',
  '3D000': 'The database that DATABASE_URL names does not exist.',
}

/** What keeps the server from running, for the person at the terminal: a sentence where it is known, else a stack. */
export function explainFailure(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartupError) return error.message
  if (!(error instanceof Error)) return `Auth4Agent could not start: ${String(error)}`
  const advice = 'code' in error && typeof error.code === 'string' ? ADVICE[error.code] : undefined
  if (advice !== undefined) return `Auth4Agent could not start: ${error.message}. ${advice}`
  if (process.env.DATABASE_URL !== undefined && toApiError(error).reason === 'UNAVAILABLE') {
    return `The database of DATABASE_URL cannot be reached: ${error.message}`
  }
  return `Auth4Agent could not start: ${error.stack}`
}
