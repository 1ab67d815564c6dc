import { type Finding, ok, problem } from './finding.ts'
import { judgeCache, judgeClock } from './judge-clock.ts'
import { type NoAnswer, objectOf, type Probe } from './probe.ts'
import type { Check } from './run-checks.ts'

/** Seconds that a server which does not tell is taken to allow. */
const DEFAULT_SKEW_S = 10
const DISCOVERY = '/.well-known/auth4agent'

/** What can be said of the server alone. What depends on an answer that did not come is left to the finding about that. */
export function serverChecks(probe: Probe): readonly Check[] {
  return [
    { name: 'server', run: () => checkHealth(probe) },
    { name: 'clock', run: () => checkClock(probe) },
    { name: 'discovery', run: () => checkDiscovery(probe) },
    { name: 'keys', run: () => checkKeys(probe) },
  ]
}

async function checkHealth(probe: Probe): Promise<readonly Finding[]> {
  const answer = await probe.get('/health')
  if (answer.kind === 'none') return [unreachable(probe.server, answer)]
  if (objectOf(answer)?.status === 'ok') return [ok('server', `${probe.server} answers`)]
  return [
    problem(
      'server',
      `${probe.server} answers /health with ${answer.status} and not as an Auth4Agent server does`,
      'Is this the right address? `auth4agent set-server --url URL` changes it.',
    ),
  ]
}

function unreachable(server: string, { code, message }: NoAnswer): Finding {
  const known = Object.entries(CURES).find(([pattern]) => new RegExp(pattern).test(code))
  return problem(
    'server',
    `${server} cannot be reached: ${message}`,
    known?.[1] ?? 'Look at the network, a firewall or a VPN in between.',
  )
}

/** By the code of the network or of TLS. */
const CURES: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    'Nothing listens there. Start the server (`npm start` in its checkout), or change the address: `auth4agent set-server --url URL`.',
  'ENOTFOUND|EAI_AGAIN':
    'The name does not resolve. Is it spelled right, and does DNS work here? `auth4agent set-server --url URL` changes it.',
  'TimeoutError|ETIMEDOUT':
    'It does not answer in time. Look at a firewall in between, or give it longer with --timeout.',
  'WRONG_VERSION_NUMBER|EPROTO|PACKET_LENGTH':
    'What listens there does not speak TLS: is it http:// on this machine, or another port? `auth4agent set-server --url URL` changes it.',
  CERT_HAS_EXPIRED: "The server's certificate has expired: whoever runs it must renew it.",
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate is for another name: use the address that it names.',
  'SELF_SIGNED|UNABLE_TO|DEPTH_ZERO':
    'Its certificate is by an authority that Node does not know: set NODE_EXTRA_CA_CERTS to a PEM file of that authority.',
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
    const message = `${probe.server}${DISCOVERY} answers ${answer.status} and names no issuer`
    return [
      problem(
        'discovery',
        message,
        'Is this the right address, with its path? `auth4agent set-server --url URL` changes it.',
      ),
    ]
  }
  if (issuer !== probe.issuer) {
    const message = `the server calls itself ${issuer}, and ${probe.issuer} is expected: what is signed for one is refused by the other`
    return [
      problem(
        'discovery',
        message,
        'If you know it under that name, reach it so (`auth4agent set-server --url URL`) or name it with --issuer. Else somebody stands in between.',
      ),
    ]
  }
  if (version !== '1') {
    return [
      problem(
        'discovery',
        `the server speaks version ${String(version)} of the protocol`,
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
      'Whoever runs the server must look at its signing keys.',
    ),
  ]
}

function algorithmOf(key: unknown): string[] {
  const isKey = typeof key === 'object' && key !== null && 'alg' in key && 'kid' in key
  return isKey && typeof key.alg === 'string' && typeof key.kid === 'string' ? [key.alg] : []
}
