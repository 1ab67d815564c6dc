import type { Server } from './compose.ts'
import type { Config } from './shared/config/config.ts'
import type { Secrets } from './shared/config/secrets.ts'

/** Tells whoever started the server where it is and what to do next. */
export function printWelcome(config: Config, secrets: Secrets, { httpPort, grpcPort }: Server): void {
  const scheme = config.tlsCertFile === undefined ? 'http' : 'https'
  const host = config.host === '127.0.0.1' ? 'localhost' : config.host
  const http = `${scheme}://${host}:${httpPort}`
  const plaintext = config.tlsCertFile === undefined ? '-plaintext ' : ''
  const lines = [
    'Auth4Agent is running.',
    '',
    `  issuer    ${config.issuer}`,
    `  REST      ${http}   (Connect and gRPC-Web too)`,
    `  gRPC      ${host}:${grpcPort}   (reflection and health on)`,
    `  data      ${config.databaseUrl === undefined ? config.dataDir : 'the database of DATABASE_URL'}`,
    ...(secrets.adminKeyFile === undefined ? [] : [`  admin key ${secrets.adminKeyFile}`]),
    ...(config.testDomains ? ['  try it    names under .test are confirmed without DNS on this server'] : []),
    '',
    'Next:',
    `  is it up?              curl ${http}/health`,
    `  what does it offer?    curl ${http}/.well-known/auth4agent`,
    `  its public keys        curl ${http}/.well-known/jwks.json`,
    `  its gRPC services      grpcurl ${plaintext}${host}:${grpcPort} list`,
    '  operator to token      README.md, "Five minutes"',
    '  stop                   Ctrl-C (data is kept)',
  ]
  process.stdout.write(`${lines.join('\n')}\n\n`)
}
