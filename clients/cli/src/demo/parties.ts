import { randomBytes } from 'node:crypto'
import { encodeBase64url } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid } from '@auth4agent/core/identity/did'
import { recordName } from '@auth4agent/core/identity/proof-record'
import {
  type Agent,
  Auth4AgentError,
  createAgent,
  createOperator,
  generateKey,
  type Operator,
  type SeedSigner,
} from '@auth4agent/sdk'
import { createKeyFile, keyFileReference, pathsIn, updateAgentConfig, updateOperatorConfig } from '@auth4agent/sdk/node'
import type { OwnOperator } from '@auth4agent/verifier'
import { CliError } from '../cli-error.ts'
import { readValidity } from '../key-terms.ts'
import type { Narrator } from './narrator.ts'

/** Everything that the demo needs. */
export interface Scene {
  readonly server: string
  readonly issuer: string
  /** A name under `.test`, unless the user gives a domain. */
  readonly domain: string
  /** The folder for keys and configuration. */
  readonly folder: string
  readonly fetch: typeof globalThis.fetch
  /** Sends requests that clean up, also after the signal has aborted. */
  readonly fetchAnyway: typeof globalThis.fetch
  readonly signal: AbortSignal
  /** Resolves after `ms` milliseconds. Rejects when the signal aborts. */
  readonly pause: (ms: number) => Promise<void>
  readonly tell: Narrator
  /** Called with the reason if a domain could not be released at the end. Then the demo must keep its key. */
  readonly stillOwned: (why: unknown, of: Pick<Scene, 'domain' | 'folder'>) => void
}

/** The operator of the demo. */
export interface PlayedOperator {
  readonly operator: Operator
  readonly key: SeedSigner
  /**
   * Releases the domain. Rejects if the operator may still own it. A domain that was never proven needs no release:
   * the server forgets it by itself.
   */
  giveUp(): Promise<void>
}

/** The agent of the demo. */
export interface PlayedAgent {
  readonly agent: Agent
  readonly did: string
  readonly key: SeedSigner
}

/**
 * Milliseconds between two looks at DNS: the first and the longest pause. A proof may appear at once or in an hour.
 */
const LOOK_AGAIN_MS = { first: 500, most: 5000 }

/** Returns a new random domain under .test, which is not in DNS. */
export function freshDomain(): string {
  return `demo-${randomBytes(4).toString('hex')}.test`
}

/** Creates a root key and registers the operator. Rejects with CliError if the server does not accept .test names. */
export async function enterOperator(scene: Scene): Promise<PlayedOperator> {
  const { server, issuer, domain, folder, fetch, fetchAnyway, tell } = scene
  const ref = pathsIn(folder).operatorKey
  const key = await createKeyFile(ref)
  const operator = createOperator({ server, issuer, domain, key, fetch })
  const { id, status } = await operator.register().catch((error: unknown) => {
    throw isRefusedDomain(error) && domain.endsWith('.test') ? noTestDomains(server) : error
  })
  const root_public_key = Buffer.from(key.publicKey).toString('base64')
  await updateOperatorConfig(folder, {
    id,
    domain,
    server_url: server,
    issuer,
    root_public_key,
    key: keyFileReference(folder, ref),
  })
  tell({
    step: 'operator-registered',
    title: 'An operator registers its domain',
    lines: [
      `It sends ${domain} and the public half of a new key.`,
      `Operator ${id} is ${status}, because nothing proves the domain yet.`,
    ],
    facts: { operator_id: id, domain, status },
  })
  const giveUp = () => release(createOperator({ server, issuer, domain, key, fetch: fetchAnyway }))
  return { operator, key, giveUp }
}

async function release(operator: Operator): Promise<void> {
  await operator.release('demo').catch((error: unknown) => {
    const isUnproven = error instanceof Auth4AgentError && error.reason === 'OPERATOR_NOT_ACTIVE'
    if (!isUnproven) throw error
  })
}

/** Proves the domain: at once if the server needs no DNS for it, otherwise when the server finds the proof in DNS. */
export async function proveDomain({ domain, signal, pause, tell }: Scene, { operator }: PlayedOperator): Promise<void> {
  let { verified, message } = await operator.verification.confirm()
  if (!verified) {
    if (domain.endsWith('.test')) throw new CliError(message, NO_TEST_DOMAINS)
    const { txt_record_name, txt_record_value } = await operator.verification.instructions()
    tell({
      step: 'record-wanted',
      title: 'Publish this proof as a TXT record',
      lines: [
        txt_record_name,
        txt_record_value,
        'The server looks for the proof every few seconds; press Ctrl-C to stop.',
      ],
      facts: { txt_record_name, txt_record_value },
    })
  }
  for (let ms = LOOK_AGAIN_MS.first; !verified; ms = Math.min(ms * 1.5, LOOK_AGAIN_MS.most)) {
    await pause(ms)
    signal.throwIfAborted()
    ;({ verified, message } = await operator.verification.confirm())
  }
  tell({
    step: 'domain-proven',
    title: 'The operator proves its domain',
    lines: domain.endsWith('.test')
      ? ['This server is only for trying things out, so it accepts names under .test without DNS.']
      : [`The proof at ${recordName(domain)} names the operator, its root key and this server.`],
    facts: { domain },
  })
}

/** Adds a key with the role watch, so that an API of the operator can follow revocations without its root key. */
export async function addWatchKey({ operator }: PlayedOperator, own?: SeedSigner): Promise<OwnOperator> {
  const key = own ?? (await generateKey())
  const current = await operator.keys.get()
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(key.publicKey) } as const
  const added = { jwk, label: 'demo API', roles: ['watch'], ...readValidity('1d', Date.now()) } as const
  await operator.keys.set({ ...current, keys: [...current.keys, added] })
  return { operatorId: operator.id, key }
}

/** Creates a key for an agent, and registers the agent with an assertion of its operator. */
export async function enterAgent(scene: Scene, { operator }: PlayedOperator): Promise<PlayedAgent> {
  const { server, issuer, domain, folder, fetch, tell } = scene
  const ref = pathsIn(folder).agentKey
  const key = await createKeyFile(ref)
  const did = formatDid(domain, fingerprint(key.publicKey))
  const { status } = await operator.agents.register({ publicKey: key.publicKey, did })
  const public_key = Buffer.from(key.publicKey).toString('base64')
  const config = {
    did,
    operator_id: operator.id,
    server_url: server,
    issuer,
    public_key,
    key: keyFileReference(folder, ref),
  }
  await updateAgentConfig(folder, config)
  tell({
    step: 'agent-registered',
    title: 'An agent is registered',
    lines: [
      `${did} contains the domain and the fingerprint of the key.`,
      `The agent is ${status} and has no scopes yet.`,
    ],
    facts: { did, status },
  })
  return { did, key, agent: createAgent({ server, issuer, did, key, fetch }) }
}

const NO_TEST_DOMAINS = {
  reason: 'INVALID_DOMAIN',
  exit: 'refused',
  hint: 'Use a domain of yours that has no operator yet: --domain demo.example.com. Or start a server on this machine: `npm start`.',
} as const

function isRefusedDomain(error: unknown): boolean {
  return error instanceof Auth4AgentError && error.status === 400
}

function noTestDomains(server: string): CliError {
  return new CliError(`The server ${server} does not accept names under .test`, NO_TEST_DOMAINS)
}
