import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { recordName } from '@auth4agent/core/identity/proof-record'
import { resolveTxt } from '@auth4agent/core/identity/resolve-txt'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { createOperator, type Operator } from '@auth4agent/sdk'
import type { OperatorConfig } from '@auth4agent/sdk/node'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { checkCertificate } from '../doctor/check-certificate.ts'
import { checkKeys } from '../doctor/check-keys.ts'
import { mcpChecks } from '../doctor/check-mcp.ts'
import { checkOperatorKeys } from '../doctor/check-operator-keys.ts'
import { checkPolicy } from '../doctor/check-policy.ts'
import { checkToken } from '../doctor/check-token.ts'
import { type Finding, problem } from '../doctor/finding.ts'
import { type Inspected, inspectFolder } from '../doctor/inspect-folder.ts'
import { judgeProof } from '../doctor/judge-proof.ts'
import type { Party } from '../doctor/party.ts'
import { partyChecks } from '../doctor/party-checks.ts'
import { createProbe, objectOf, type Probe } from '../doctor/probe.ts'
import { writeFindings } from '../doctor/report.ts'
import { type Check, runChecks } from '../doctor/run-checks.ts'
import { serverChecks } from '../doctor/server-checks.ts'
import { type OwnOperatorKey, ROOT, teamOptions } from '../own-keys.ts'
import { isServer, notServer } from '../server-address.ts'
import { shared } from '../shared-flags.ts'
import { readDuration } from '../times.ts'

const TIMEOUT_S = 5
const DEFAULT_SERVER = 'http://localhost:8080'

/** `doctor`: checks this machine and the server. All checks run at the same time. */
export const doctor = defineCommand({
  help: [
    "Checks this machine and the server, and says for each problem what to do. It checks clock, folder, key files, the server's address, certificate, issuer and public keys, what its database survives, the proof of the domain in DNS, and what the server knows about operator and agent, about the roles and expiry of the operator's keys, and about settings of its policy that are weaker than they were. It changes nothing. It asks for one token that has no scopes and is valid for 30 seconds, and discards the token.",
    'With --mcp, it also checks what a program with a browser needs at your MCP server: the answer without a token, its metadata and those of the authorization server, and whether the policy lets users come and an identity provider is named.',
    'The exit code is 1 if there is a problem, and 0 if there are only warnings. The output contains no secrets, so you can send it to others.',
  ],
  examples: [
    { does: 'check everything', line: 'auth4agent doctor' },
    {
      does: 'ask whether public resolvers see the proof',
      line: 'auth4agent doctor --resolver 1.1.1.1 --resolver 8.8.8.8',
    },
    { does: 'check an MCP server too', line: 'auth4agent doctor --mcp https://mcp.example.com/mcp' },
    { does: 'only the problems', line: 'auth4agent doctor --json | jq \'.findings[] | select(.level == "problem")\'' },
  ],
  flags: {
    ...serverFlags,
    resolver: {
      kind: 'list',
      value: 'ADDRESS',
      help: 'also ask this DNS resolver, such as 192.0.2.1 or [2001:db8::1]:53',
    },
    mcp: { kind: 'text', value: 'URL', help: 'also check the MCP server at this address' },
    timeout: { ...shared.timeout, more: `each check; ${TIMEOUT_S}s by default` },
  },
  async run({ flags, folder, fetch, now, signal, json, style, answer, progress }) {
    const timeoutMs = timeoutOf(flags.text('timeout') ?? String(TIMEOUT_S))
    const inspected = await inspectFolder(folder)
    const place = placeOf(inspected, flags.text('server'), flags.text('issuer'))
    const checks = checksOf(place, inspected, {
      fetch,
      now,
      timeoutMs,
      resolvers: flags.list('resolver'),
      mcp: mcpOf(flags.text('mcp')),
    })
    const looking = progress(`checking ${place.server}`, runChecks(checks, { timeoutMs, signal }))
    const findings = [...inspected.findings, ...(await looking)]
    const isWell = findings.every(({ level }) => level !== 'problem')
    const wrong = findings.filter(({ level }) => level !== 'ok')
    const brief = wrong.map(({ check, level, message }) => `${level}  ${check}  ${message}`)
    answer({ ok: isWell, findings }, json ? '' : writeFindings(findings, style), brief)
    return isWell ? 'ok' : 'refused'
  },
})

interface Settings {
  readonly fetch: typeof globalThis.fetch
  readonly now: () => number
  readonly timeoutMs: number
  readonly resolvers: readonly string[]
  /** The address of an MCP server that is checked too. */
  readonly mcp: string | undefined
}

interface Place {
  readonly server: string
  readonly issuer: string
}

/** Returns the server of a flag or a configuration, and the issuer that this server must have. */
function placeOf({ operator, agent }: Inspected, given: string | undefined, issuer: string | undefined): Place {
  const config = [operator?.config, agent?.config].find((each) => each !== undefined && each.server_url !== '')
  const server = (given ?? config?.server_url ?? DEFAULT_SERVER).replace(/\/+$/, '')
  const configured = given === undefined ? config?.issuer || undefined : undefined
  return { server, issuer: issuer ?? configured ?? server }
}

function checksOf({ server, issuer }: Place, inspected: Inspected, settings: Settings): readonly Check[] {
  const { agent, operator, operatorKeys } = inspected
  if (!isServer(server)) return [{ name: 'server', run: async () => [noAddress(server)] }]
  const { fetch, now, mcp } = settings
  // The probe must give up before the check does, so that the finding names the cause.
  const probe = createProbe({ ...settings, server, issuer, timeoutMs: settings.timeoutMs * 0.9 })
  const knownAgent = agent && {
    did: agent.config.did,
    operatorId: agent.config.operator_id,
    // A program may have rotated the key since agent.json was written.
    publicKey: agent.signer === undefined ? agent.config.public_key : encodeBase64(agent.signer.publicKey),
  }
  const open = operator && openerOf(probe, operator.config, settings)
  const owner = operator && { domain: operator.config.domain, keys: operatorKeys }
  const signer = agent?.signer
  const did = agent?.config.did
  return [
    ...serverChecks(probe),
    { name: 'certificate', run: (signal) => checkCertificate(server, now(), signal) },
    ...dnsChecks(issuer, operator, settings, open),
    ...partyChecks(probe, operator?.config, knownAgent, keyChecks(operatorKeys, open, now)),
    ...(did ? [{ name: 'keys', run: () => checkKeys({ probe, did, fetch, now }) }] : []),
    ...(signer && did
      ? [{ name: 'token', run: (signal: AbortSignal) => checkToken({ probe, did, signer, fetch, signal }) }]
      : []),
    ...(mcp === undefined ? [] : mcpChecks({ ...settings, url: mcp, probe, operator: owner, open })),
  ]
}

function mcpOf(url: string | undefined): string | undefined {
  if (url === undefined || (isServer(url) && URL.canParse(url) && !url.includes('#'))) return url
  throw usageError('--mcp must be the https address of an MCP server, or http on this machine')
}

function keyChecks(keys: readonly OwnOperatorKey[], open: Open | undefined, now: () => number): readonly Check[] {
  if (open === undefined || keys.length === 0) return []
  return [
    { name: 'operator keys', run: async () => checkOperatorKeys({ keys, open, nowMs: now() }) },
    { name: 'policy', run: async () => checkPolicy({ keys, open, nowMs: now() }) },
  ]
}

/** Opens the operator with one of its keys; undefined if the server is not the expected one. */
type Open = (key: OwnOperatorKey) => Promise<Operator | undefined>

function openerOf(probe: Probe, config: OperatorConfig, { fetch, now, timeoutMs }: Settings): Open | undefined {
  if (config.id === '') return undefined
  return async ({ signer }) => {
    const { server, issuer } = probe
    if (objectOf(await probe.get('/.well-known/auth4agent'))?.issuer !== issuer) return undefined
    const serverS = objectOf(await probe.get('/health'))?.timestamp
    // Signs by the clock of the server, because another check reports that of this machine.
    const clock = typeof serverS === 'number' ? () => serverS * 1000 : now
    const place = { server, issuer, operatorId: config.id, ...teamOptions(config) }
    return createOperator({ ...place, key: signer, fetch, now: clock, timeoutMs: timeoutMs * 0.9 })
  }
}

function dnsChecks(
  issuer: string,
  operator: Party<OperatorConfig> | undefined,
  settings: Settings,
  open: Open | undefined,
): readonly Check[] {
  const { timeoutMs, resolvers } = settings
  const key = operator?.signer
  if (operator === undefined || key === undefined || operator.config.id === '') return []
  const { id, domain } = operator.config
  // Names under .test are not in DNS. A server that only its own machine can reach accepts them without a proof.
  if (domain.endsWith('.test')) return []
  const subject = { issuer, operatorId: id, thumbprint: thumbprint(key.publicKey) }
  const run = async (): Promise<readonly Finding[]> => {
    const asked = [undefined, ...resolvers].map(async (resolver) => ({
      resolver: resolver ?? 'of this machine',
      answer: await resolveTxt(resolver === undefined ? [] : [resolver], recordName(domain), timeoutMs * 0.9),
    }))
    const opened = await open?.({ signer: key, label: ROOT })
    const roots = (await opened?.keys.get().catch(() => undefined))?.rootKeys ?? []
    return judgeProof(
      await Promise.all(asked),
      domain,
      subject,
      roots.map(({ kid }) => kid),
    )
  }
  return [{ name: 'dns', run }]
}

function noAddress(server: string): Finding {
  return problem(
    'server',
    notServer(server),
    'Use an address with https://, or with http:// on this machine: `auth4agent context set --server URL`.',
  )
}

function timeoutOf(text: string): number {
  const seconds = /^\d{1,3}\.\d{1,3}$/.test(text) ? Number(text) : (readDuration(text) ?? 0)
  if (!(seconds > 0 && seconds <= 300)) throw usageError('--timeout must be more than 0 and at most 300 seconds')
  return seconds * 1000
}
