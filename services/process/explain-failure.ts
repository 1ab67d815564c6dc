import { toApiError } from '../platform/errors/api-error.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import { ConfigError } from './configuration/config.ts'

/** Advice to the administrator for mistakes of the configuration or the machine, by error code. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Set PORT, AUTH4AGENT_GRPC_PORT or AUTH4AGENT_INTERNAL_PORT to a free port.',
  EACCES: 'Run the server as a user who has access, or choose another port or path.',
  ENOENT: 'Check the path.',
  '28P01': 'The user or password in DATABASE_URL is wrong.',
  '28000': 'The user or password in DATABASE_URL is wrong.',
  '3D000': 'The database that DATABASE_URL names does not exist.',
}

/** Returns why the server cannot run: a sentence for a known error, a stack trace for an unknown one. */
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
