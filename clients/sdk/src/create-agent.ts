import { parseLongDuration } from '@auth4agent/core/encoding/duration'
import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { AGENT_NAMES, type Agent, type AgentOptions, TOKEN_NAMES, type TokenOptions } from './agent.ts'
import type { EnrolledAgent, EnrolledOptions } from './attestation/enrolled-options.ts'
import type { FirstResults } from './attestation/keep-attested.ts'
import { openAttested } from './attestation/open-attested.ts'
import { expectDid } from './authenticate.ts'
import { openAway } from './chaining/open-away.ts'
import { openGrants, type Presented } from './delegation/open-grants.ts'
import { authorizationHeaders, createDpop } from './dpop.ts'
import { clientError } from './errors.ts'
import { authorizedFetch } from './fetch.ts'
import type { IssuedToken } from './issued-token.ts'
import { keepTokens } from './keep-tokens.ts'
import type { AgentKeyCalls } from './key-events/agent-key-calls.ts'
import { createAgentKeys } from './key-events/agent-keys.ts'
import { isKeyStore } from './key-events/key-store.ts'
import { createOAuthClient } from './oauth-client.ts'
import { requestToken } from './request-token.ts'
import { type Runtime, systemRuntime } from './runtime.ts'
import { expectSecureUrl } from './secure-address.ts'
import { openServer } from './server.ts'
import { type BoundTerms, bindTerms, type TokenTerms } from './terms.ts'

/** The shortest age of a key. With a shorter one, the log of key events would soon be full. */
const SHORTEST_ROTATION_S = 3600
/** The scheme of a WebSocket, which begins as an HTTP request (RFC 6455 section 4.1). */
const WEB_SOCKET = /^ws(s?)(?=:)/i

/**
 * Enrols an agent, and resolves with it. The agent needs no secret and no person: its evidence must meet an enrolment
 * rule of its operator. `@auth4agent/sdk/enrol` has the sources of evidence. The same key again gives the same agent.
 *
 * Rejects as `enrol` does, and with TypeError for wrong options.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { kubernetes } from '@auth4agent/sdk/enrol'
 *
 * const agent = await createAgent({
 *   server: 'https://auth.example.com',
 *   operator: '0b5c9a2e-7f3d-8c1a-9e4b-2d6f8a0c4e6b',
 *   enrol: kubernetes({ tokenFile: '/var/run/secrets/tokens/auth4agent' }),
 *   scopes: ['orders:read'],
 *   audience: 'https://api.example.com',
 * })
 * console.log(agent.did, agent.enrolment.scopes)
 * ```
 */
export function createAgent(options: EnrolledOptions, runtime?: Runtime): Promise<EnrolledAgent>
/**
 * Creates an agent. The agent sends nothing before the first token is needed, and does not keep the process alive.
 *
 * Throws TypeError for a server address that is neither https nor on loopback, for a malformed DID, for terms that no
 * server accepts, for `keyRotation` without a key store, and for unknown options.
 *
 * @example
 *
 * ```ts
 * import { createAgent } from '@auth4agent/sdk'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const agent = createAgent({
 *   server: 'https://auth.example.com',
 *   did: 'did:agent:acme.example:21fe31dfa154a261626bf854046fd227',
 *   key: await readKeyFile('agent.key'),
 *   scopes: ['orders:read'],
 *   audience: 'https://api.example.com',
 *   dpop: true,
 * })
 * const response = await agent.fetch('https://api.example.com/orders')
 * ```
 */
export function createAgent(options: AgentOptions, runtime?: Runtime): Agent
export function createAgent(
  options: AgentOptions | EnrolledOptions,
  runtime: Runtime = systemRuntime,
): Agent | Promise<EnrolledAgent> {
  if (!isEnrolled(options)) return openAgent(options, runtime)
  // Loaded on demand, because most agents are registered by their operator.
  return import('./attestation/enrol-agent.ts').then(({ enrolAgent }) =>
    enrolAgent(options, runtime, (opened, first) => openAgent(opened, runtime, first)),
  )
}

function isEnrolled(options: AgentOptions | EnrolledOptions): options is EnrolledOptions {
  return 'enrol' in options
}

/** Opens an agent that has a DID. `first` are the results with which it has enrolled. */
function openAgent(options: AgentOptions, runtime: Runtime, first?: FirstResults): Agent {
  refuseUnknownNames('option', options, AGENT_NAMES)
  const { did, key, dpop: bindingKey, onKeyRotation: report } = options
  expectDid(did)
  const everyS = rotationAgeS(options)
  const server = openServer(options, runtime)
  const dpop =
    bindingKey === undefined || bindingKey === false ? undefined : createDpop(bindingKey, () => server.nowMs())
  const usual = bindTerms(options, server.issuer)
  const closing = new AbortController()
  const { signal } = closing
  const keys = createAgentKeys({
    key,
    runtime,
    server,
    did,
    onReplaced: () => clear(),
    onFirstUse: async () => {
      const { store } = keys
      if (everyS === undefined || store === undefined) return
      const { scheduleRotation } = await import('./key-events/schedule-rotation.ts')
      scheduleRotation({ owner: { server, runtime, did, keys, signal }, store, everyS, report })
    },
  })
  const { grant, delegation, fetch } = options
  const attesting = { server, runtime, did, fetch: fetch ?? globalThis.fetch, closing: signal }
  const attested = openAttested(options, attesting, first)(keys)
  const tokens = keepTokens(
    (terms: BoundTerms, stop) =>
      attested.use((signer) => requestToken({ server, did, signer, terms, dpop, signal: stop })),
    runtime,
    signal,
  )
  const keyCalls = async (): Promise<AgentKeyCalls> => {
    signal.throwIfAborted()
    // Loaded on demand, because most agents never call it.
    const { createKeyCalls } = await import('./key-events/key-calls.ts')
    return createKeyCalls({ server, runtime, did, keys, signal })
  }
  const issued = async (wanted: TokenOptions = {}): Promise<IssuedToken> => {
    signal.throwIfAborted()
    refuseUnknownNames('option', wanted, TOKEN_NAMES)
    const { signal: stop, ...terms } = wanted
    await keys.look()
    return tokens.of(bindTermsOver(usual, terms, server.issuer)).get(stop)
  }
  const token = async (wanted?: TokenOptions) => (await issued(wanted)).token
  const grants = openGrants({ grant, delegation, fetch, server, did, keys: attested, runtime, closing: signal })
  const presented: Presented = grants.presented ?? { token, forget: (text: string) => tokens.forget(text), dpop }
  const away = openAway(options, {
    server,
    did,
    keys: attested,
    runtime,
    fetch,
    closing: signal,
    ownToken: async (scope, stop) =>
      (await tokens.of({ scope, audience: [server.issuer], ttl: usual.ttl, mayAct: undefined }).get(stop)).token,
    forgetOwn: (text) => tokens.forget(text),
    scopeOf: (scopes) => bindTermsOver(usual, { scopes }, server.issuer).scope,
  })
  const forget = (text: string) => {
    for (const kept of [tokens, presented, away]) kept.forget(text)
  }
  const clear = () => {
    for (const kept of [tokens, grants, away]) kept.clear()
  }
  const oauth = createOAuthClient({ server, did, keys: attested, closing: signal })
  return {
    did,
    token,
    issued,
    forget,
    issuedFor: (resource, how) => away.issuedFor(resource, how),
    fetch: away.around(authorizedFetch({ ...presented, fetch })),
    mcpFetch: away.around(
      authorizedFetch({ ...presented, fetch, prepare: (...request) => grants.proveCall(...request) }),
    ),
    async authorization(method, url, { nonce, ...wanted } = {}) {
      const at = String(url).replace(WEB_SOCKET, 'http$1')
      expectSecureUrl(at)
      const { dpop: prover } = presented
      const given = prover?.nonces.learn(new URL(at).origin, nonce ?? null)
      const text = await presented.token(wanted, at, false)
      return authorizationHeaders(text, prover, { method, url: new URL(at).href, nonce: given })
    },
    clientAssertion: (how) => oauth.clientAssertion(how),
    introspect: (text, how) => oauth.introspect(text, how),
    async revoke(text, how) {
      forget(text)
      await oauth.revoke(text, how)
    },
    rotateKey: async (how) => (await keyCalls()).rotateKey(how),
    addKey: async (how) => (await keyCalls()).addKey(how),
    removeKey: async (kid, how) => (await keyCalls()).removeKey(kid, how),
    keyEvents: async (how) => (await keyCalls()).keyEvents(how),
    objectToRecovery: async (how) => (await keyCalls()).objectToRecovery(how),
    move: async (how) => (await keyCalls()).move(how),
    deactivate: async (how) => (await keyCalls()).deactivate(how),
    requestGrant: (how) => grants.requestGrant(how),
    delegate: (how) => grants.delegate(how),
    exchange: (how) => grants.exchange(how),
    actForUser: (idJag, how) => grants.actForUser(idJag, how),
    close() {
      closing.abort(clientError('CLOSED', 'The agent was closed'))
      clear()
    },
  }
}

/**
 * Returns the age at which keys are replaced, in seconds. Throws TypeError for an age that is no duration or too
 * short.
 */
function rotationAgeS({ key, keyRotation }: AgentOptions): number | undefined {
  if (keyRotation === undefined) return undefined
  const seconds = parseLongDuration(keyRotation)
  if (seconds === undefined || seconds < SHORTEST_ROTATION_S)
    throw new TypeError(
      `keyRotation must be a duration of at least 1h, such as 30d, not ${JSON.stringify(keyRotation)}`,
    )
  if (!isKeyStore(key))
    throw new TypeError('keyRotation needs a key store as `key`: keyFileStore of @auth4agent/sdk/node makes one')
  return seconds
}

/** Uses the agent's default for each term that the call leaves out. */
function bindTermsOver(usual: BoundTerms, { scopes, audience, ttl, mayAct }: TokenTerms, issuer: string): BoundTerms {
  const terms = bindTerms({ scopes, audience, ttl, mayAct }, issuer)
  return {
    scope: scopes === undefined ? usual.scope : terms.scope,
    audience: audience === undefined ? usual.audience : terms.audience,
    ttl: ttl === undefined ? usual.ttl : terms.ttl,
    mayAct: mayAct ?? usual.mayAct,
  }
}
