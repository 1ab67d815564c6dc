import { ConfigError } from '../configuration/config.ts'
import { StartupError } from '../platform/errors/startup-error.ts'

const TLS_ADVICE =
  'The certificate of the database is not accepted: name its authority by sslrootcert in DATABASE_URL, and its host.'

/** Advice to the administrator for mistakes of the configuration or the machine, by error code. */
const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE: 'Set PORT, AUTH4AGENT_GRPC_PORT or AUTH4AGENT_INTERNAL_PORT to a free port.',
  EACCES: 'Run the server as a user who has access, or choose another port or path.',
  ENOENT: 'Check the path.',
  '28P01': 'The user or password in DATABASE_URL is wrong.',
  '28000': 'Check the user and sslmode in DATABASE_URL, and pg_hba.conf of the database.',
  '3D000': 'The database that DATABASE_URL names does not exist.',
  '42501': 'The user in DATABASE_URL must own the database, or have the right to create tables in it.',
  EPROTO: TLS_ADVICE,
}
/** Texts of errors of the driver that have no code. */
const ADVICE_BY_TEXT: readonly (readonly [RegExp, string])[] = [
  [/does not support SSL connections/, 'Turn TLS on in the database, or remove sslmode from DATABASE_URL.'],
  [/^SASL: .*password must be/, 'DATABASE_URL has no password, but the database demands one.'],
]

/** Returns why the server cannot run: a sentence for a known error, a stack trace for an unknown one. */
export function explainFailure(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartupError) return error.message
  if (!(error instanceof Error)) return `Auth4Agent could not start: ${String(error)}`
  const advice = adviceFor(error)
  if (advice !== undefined) return `Auth4Agent could not start: ${error.message}. ${advice}`
  return `Auth4Agent could not start: ${error.stack}`
}

function adviceFor(error: Error): string | undefined {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const known = ADVICE[code] ?? ADVICE_BY_TEXT.find(([text]) => text.test(error.message))?.[1]
  return known ?? (/CERT|^ERR_SSL|^ERR_TLS/.test(code) ? TLS_ADVICE : undefined)
}
