import { recordName } from '@auth4agent/core/identity/proof-record'
import { resolveTxt } from '@auth4agent/core/identity/resolve-txt'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import type { OperatorConfig } from '@auth4agent/sdk/node'
import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { checkCertificate } from '../doctor/check-certificate.ts'
import { checkToken } from '../doctor/check-token.ts'
import { type Finding, problem } from '../doctor/finding.ts'
import { type Inspected, inspectFolder, type Party } from '../doctor/inspect-folder.ts'
import { judgeProof } from '../doctor/judge-proof.ts'
import { partyChecks } from '../doctor/party-checks.ts'
import { createProbe } from '../doctor/probe.ts'
import { writeFindings } from '../doctor/report.ts'
import { type Check, runChecks } from '../doctor/run-checks.ts'
import { serverChecks } from '../doctor/server-checks.ts'
import { isServer, notServer } from '../server-address.ts'

const TIMEOUT_S = 5
const DEFAULT_SERVER = 'http://localhost:8080'

/** Looks at everything that may be wrong at once. */
export const doctor = defineCommand({
  help: [
    'Looks at this machine and at the server, and says of each finding what to do: clock, folder, key files, address and certificate, what the server calls itself, its public keys, the DNS record of the domain, and what the server has of operator and agent. It changes nothing; the token that it asks for has no scopes, lives half a minute, and is thrown away.',
    'It ends with 1 when there is a problem; a warning is none. Nothing it prints is secret, so it can be sent to whoever helps.',
  ],
  examples: [
    { does: 'what is wrong?', line: 'auth4agent doctor' },
    {
      does: 'has the record reached the resolvers of others?',
      line: 'auth4agent doctor --resolver 1.1.1.1 --resolver 8.8.8.8',
    },
    { does: 'the problems alone', line: 'auth4agent doctor --json | jq \'.findings[] | select(.level == "problem")\'' },
  ],
  flags: {
    ...serverFlags,
    resolver: {
      kind: 'list',
      value: 'ADDRESS',
      help: 'ask this resolver too, 192.0.2.1 or [2001:db8::1]:53; may be repeated',
    },
    timeout: { kind: 'text', value: 'SECONDS', help: `for each of what is looked at; ${TIMEOUT_S} unless told` },
  },
  async run({ flags, folder, fetch, now, signal, json, style, answer, progress }) {
    const timeoutMs = timeoutOf(flags.text('timeout') ?? String(TIMEOUT_S))
    const inspected = await inspectFolder(folder)
    const place = placeOf(inspected, flags.text('server'), flags.text('issuer'))
    const checks = checksOf(place, inspected, { fetch, now, timeoutMs, resolvers: flags.list('resolver') })
    const looking = progress(`looking at ${place.server}`, runChecks(checks, { timeoutMs, signal }))
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
}

interface Place {
  readonly server: string
  readonly issuer: string
}

/** The server that a flag names, or a configuration, and what it has to call itself. */
function placeOf({ operator, agent }: Inspected, given: string | undefined, issuer: string | undefined): Place {
  const config = [operator?.config, agent?.config].find((each) => each !== undefined && each.server_url !== '')
  const server = (given ?? config?.server_url ?? DEFAULT_SERVER).replace(/\/+$/, '')
  const configured = given === undefined ? config?.issuer || undefined : undefined
  return { server, issuer: issuer ?? configured ?? server }
}

function checksOf({ server, issuer }: Place, { agent, operator }: Inspected, settings: Settings): readonly Check[] {
  const dns = dnsChecks(issuer, operator, settings)
  if (!isServer(server)) return [{ name: 'server', run: async () => [noAddress(server)] }]
  const { fetch, now } = settings
  // Its answer is to come before the time of the check is up.
  const probe = createProbe({ ...settings, server, issuer, timeoutMs: settings.timeoutMs * 0.9 })
  const knownAgent = agent && {
    did: agent.config.did,
    operatorId: agent.config.operator_id,
    publicKey: agent.config.public_key,
  }
  const signer = agent?.signer
  const did = agent?.config.did
  return [
    ...serverChecks(probe),
    { name: 'certificate', run: (signal) => checkCertificate(server, now(), signal) },
    ...dns,
    ...partyChecks(probe, operator?.config, knownAgent),
    ...(signer && did
      ? [{ name: 'token', run: (signal: AbortSignal) => checkToken({ probe, did, signer, fetch, signal }) }]
      : []),
  ]
}

function dnsChecks(issuer: string, operator: Party<OperatorConfig> | undefined, settings: Settings): readonly Check[] {
  const { timeoutMs, resolvers } = settings
  const key = operator?.signer
  if (operator === undefined || key === undefined || operator.config.id === '') return []
  const { id, domain } = operator.config
  // Such names are in no DNS; a server that only its own machine can reach proves them without.
  if (domain.endsWith('.test')) return []
  const subject = { issuer, operatorId: id, thumbprint: thumbprint(key.publicKey) }
  const run = async (): Promise<readonly Finding[]> => {
    const asked = [undefined, ...resolvers].map(async (resolver) => ({
      resolver: resolver ?? 'of this machine',
      answer: await resolveTxt(resolver === undefined ? [] : [resolver], recordName(domain), timeoutMs * 0.9),
    }))
    return judgeProof(await Promise.all(asked), domain, subject)
  }
  return [{ name: 'dns', run }]
}

function noAddress(server: string): Finding {
  return problem(
    'server',
    notServer(server),
    'It begins with https://, or with http:// on this machine: `auth4agent set-server --url URL`.',
  )
}

function timeoutOf(text: string): number {
  const seconds = /^\d{1,3}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (!(seconds > 0 && seconds <= 300)) throw usageError('--timeout takes seconds, up to 300')
  return seconds * 1000
}
