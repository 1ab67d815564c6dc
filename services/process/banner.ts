import type { Ports } from '../compose/listener.ts'
import type { Config } from '../configuration/config.ts'
import type { Secrets } from '../configuration/secrets.ts'
import { isSplit } from '../configuration/service-names.ts'

/** Prints where the server listens and which commands to try next. */
export function printWelcome(config: Config, secrets: Secrets, ports: Ports): void {
  const lines = isSplit(config.services) ? partOfServer(config, ports) : wholeServer(config, secrets, ports)
  process.stdout.write(`${lines.join('\n')}\n\n`)
}

function wholeServer(config: Config, secrets: Secrets, ports: Ports): string[] {
  const http = httpUrl(config, ports)
  return [
    'Auth4Agent is running.',
    '',
    `  issuer    ${config.issuer}`,
    ...publicPorts(config, ports),
    `  data      ${config.databaseUrl === undefined ? config.dataDir : 'the database of DATABASE_URL'}`,
    ...(secrets.adminKeyFile === undefined ? [] : [`  admin key ${secrets.adminKeyFile}`]),
    ...(config.testDomains ? ['  try it    names under .test are confirmed without DNS on this server'] : []),
    '',
    'Next:',
    `  is it up?              curl ${http}/health`,
    `  what does it offer?    curl ${http}/.well-known/auth4agent`,
    `  for OAuth clients      curl ${http}/.well-known/oauth-authorization-server   (docs/oauth.md)`,
    `  its public keys        curl ${http}/.well-known/jwks.json`,
    `  its gRPC services      grpcurl ${plaintext(config)}${hostOf(config)}:${ports.grpcPort} list`,
    `  operator to token      npx auth4agent demo${demoServer(config)}   (step by step: README.md, "Five minutes")`,
    '  stop                   Ctrl-C (data is kept)',
  ]
}

function partOfServer(config: Config, ports: Ports): string[] {
  const { internalPort, internalSocket } = ports
  const internal = internalSocket ?? (internalPort === undefined ? undefined : `${config.internalHost}:${internalPort}`)
  const security = config.internalTls.cert === undefined ? 'without TLS' : 'mutual TLS'
  return [
    `Auth4Agent is running: ${config.services.join(', ')}.`,
    '',
    `  issuer    ${config.issuer}`,
    ...(ports.grpcPort === undefined ? [] : publicPorts(config, ports)),
    ...(internal === undefined ? [] : [`  internal  ${internal}   (${security}, for the other processes)`]),
    `  ready?    curl ${httpUrl(config, ports)}/ready`,
  ]
}

function publicPorts(config: Config, ports: Ports): string[] {
  return [
    `  REST      ${httpUrl(config, ports)}   (Connect and gRPC-Web too)`,
    `  gRPC      ${hostOf(config)}:${ports.grpcPort}   (reflection and health on)`,
  ]
}

function httpUrl(config: Config, { httpPort }: Ports): string {
  return `${config.tlsCertFile === undefined ? 'http' : 'https'}://${hostOf(config)}:${httpPort}`
}

function hostOf({ host }: Config): string {
  return host === '127.0.0.1' ? 'localhost' : host
}

function plaintext({ tlsCertFile }: Config): string {
  return tlsCertFile === undefined ? '-plaintext ' : ''
}

/** The option of the demo for a server at another address than the one that the demo expects. */
function demoServer({ issuer }: Config): string {
  return issuer === 'http://localhost:8080' ? '' : ` --server ${issuer}`
}
