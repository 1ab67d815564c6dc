import { type Finding, ok, problem, warning } from './finding.ts'
import { judgeCache, judgeClock } from './judge-clock.ts'
import { type NoAnswer, objectOf, type Probe } from './probe.ts'
import type { Check } from './run-checks.ts'

/** Assumed clock skew, in seconds, if the server does not publish the clock skew that it allows. */
const DEFAULT_SKEW_S = 10
const DISCOVERY = '/.well-known/auth4agent'

/**
 * Returns the checks of the server alone. If the server does not answer, only the first check reports it; the others
 * return no finding.
 */
export function serverChecks(probe: Probe): readonly Check[] {
  return [
    { name: 'server', run: () => checkHealth(probe) },
    { name: 'clock', run: () => checkClock(probe) },
    { name: 'discovery', run: () => checkDiscovery(probe) },
    { name: 'keys', run: () => checkKeys(probe) },
    { name: 'durability', run: () => checkDurability(probe) },
  ]
}

async function checkHealth(probe: Probe): Promise<readonly Finding[]> {
  const answer = await probe.get('/health')
  if (answer.kind === 'none') return [unreachable(probe.server, answer)]
  if (objectOf(answer)?.status === 'ok') return [ok('server', `${probe.server} answers`)]
  return [
    problem(
      'server',
      `${probe.server} answers /health with ${answer.status}, not like an Auth4Agent server`,
      'Check the address. `auth4agent context set --server URL` changes it.',
    ),
  ]
}

function unreachable(server: string, { code, message }: NoAnswer): Finding {
  const known = Object.entries(CURES).find(([pattern]) => new RegExp(pattern).test(code))
  return problem(
    'server',
    `${server} cannot be reached: ${message}`,
    known?.[1] ?? 'Check the network, firewalls and VPNs between here and the server.',
  )
}

/** What to do, by a pattern for the error code of the network or of TLS. */
const CURES: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'No server listens at this address. Start it (`npm start` in its checkout), or change the address: `auth4agent context set --server URL`.',
  'ENOTFOUND|EAI_AGAIN':
    'DNS does not know this name. Check the spelling of the name, and DNS on this machine. `auth4agent context set --server URL` changes it.',
  'TimeoutError|ETIMEDOUT':
    'The server does not answer in time. Check firewalls between here and the server, or wait longer with --timeout.',
  'WRONG_VERSION_NUMBER|EPROTO|PACKET_LENGTH':
    'The server does not speak TLS on this port. Use http:// if it runs on this machine, or another port: `auth4agent context set --server URL`.',
  CERT_HAS_EXPIRED: "The server's certificate has expired. The administrator must renew it.",
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another name. Use the name in the certificate as the address.',
  'SELF_SIGNED|UNABLE_TO|DEPTH_ZERO':
    'Node does not know the authority that issued the certificate. Set NODE_EXTRA_CA_CERTS to a PEM file of that authority.',
}

/** Judges what /ready says of the database. A proxy that hides /ready from the world hides this too. */
async function checkDurability(probe: Probe): Promise<readonly Finding[]> {
  const { durability, problem: lacks } = objectOf(await probe.get('/ready')) ?? {}
  if (typeof durability !== 'string' || !Object.hasOwn(SURVIVES, durability)) return []
  if (typeof lacks === 'string') return [problem('durability', lacks, 'The administrator must change the database.')]
  const survives = SURVIVES[durability]
  if (survives !== undefined) return [ok('durability', `what the server acknowledges survives ${survives}`)]
  return [
    warning(
      'durability',
      'the server does not know what its commits survive',
      'The administrator sets AUTH4AGENT_DURABILITY to quorum, storage or single.',
    ),
  ]
}

/** What a commit survives, by the setting of the server. */
const SURVIVES: Readonly<Record<string, string | undefined>> = {
  quorum: 'the loss of a machine: two have it',
  storage: 'the loss of a machine: its storage is copied',
  single: 'a crash, but not the loss of its machine',
  unknown: undefined,
}

async function checkClock(probe: Probe): Promise<readonly Finding[]> {
  const answer = await probe.get('/health')
  const serverS = objectOf(answer)?.timestamp
  if (answer.kind === 'none' || typeof serverS !== 'number' || !Number.isFinite(serverS)) return []
  const allowed = objectOf(await probe.get(DISCOVERY))?.clock_skew_seconds
  const allowedS = typeof allowed === 'number' && allowed >= 0 && allowed <= 60 ? allowed : DEFAULT_SKEW_S
  const cache = judgeCache(answer.date, serverS)
  return [judgeClock({ serverS, ...answer }, allowedS), ...(cache === undefined ? [] : [cache])]
}

async function checkDiscovery(probe: Probe): Promise<readonly Finding[]> {
  const answer = await probe.get(DISCOVERY)
  if (answer.kind === 'none') return []
  const { issuer, protocol_version: version } = objectOf(answer) ?? {}
  if (typeof issuer !== 'string') {
    const message = `${probe.server}${DISCOVERY} answers ${answer.status} without an issuer`
    return [
      problem(
        'discovery',
        message,
        'Check the address and its path. `auth4agent context set --server URL` changes it.',
      ),
    ]
  }
  if (issuer !== probe.issuer) {
    const message = `the server's issuer is ${issuer}, but ${probe.issuer} is expected, so the server refuses what you sign`
    return [
      problem(
        'discovery',
        message,
        'If this is your server, use its issuer as the address (`auth4agent context set --server URL`) or give its issuer with --issuer. Otherwise another server answers in place of yours.',
      ),
    ]
  }
  if (version !== '1') {
    return [
      problem(
        'discovery',
        `the server speaks version ${String(version)} of the protocol, not version 1`,
        'Install a newer version of this tool.',
      ),
    ]
  }
  return [ok('discovery', `the issuer is ${issuer}`)]
}

async function checkKeys(probe: Probe): Promise<readonly Finding[]> {
  const answer = await probe.get('/.well-known/jwks.json')
  if (answer.kind === 'none') return []
  const keys = objectOf(answer)?.keys
  const algorithms = Array.isArray(keys) ? keys.flatMap((key: unknown) => algorithmOf(key)) : []
  if (algorithms.length > 0)
    return [ok('keys', `${algorithms.length} public keys: ${[...new Set(algorithms)].join(', ')}`)]
  return [
    problem(
      'keys',
      `${probe.server}/.well-known/jwks.json answers ${answer.status} without a key, so no token can be verified offline`,
      'The administrator must check the signing keys of the server.',
    ),
  ]
}

function algorithmOf(key: unknown): string[] {
  const isKey = typeof key === 'object' && key !== null && 'alg' in key && 'kid' in key
  return isKey && typeof key.alg === 'string' && typeof key.kid === 'string' ? [key.alg] : []
}
