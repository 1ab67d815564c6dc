import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { isUuid } from '@auth4agent/core/encoding/uuid'
import { operatorId as idOf } from '@auth4agent/core/identity/operator-id'
import { jwkThumbprint } from '@auth4agent/core/jose/public-jwk'
import { signerKid } from '@auth4agent/core/jose/signer-jwk'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer } from './answers.ts'
import { CALLER_NAMES, type Caller, type CallerOptions, createCaller } from './caller.ts'
import { checkInstructions, type Owner } from './check-instructions.ts'
import { type OperatorAgents, operatorAgents } from './operator-agents.ts'
import * as answers from './operator-answers.ts'
import { type OperatorAttestation, operatorAttestation } from './operator-attestation.ts'
import { type OperatorAudit, operatorAudit } from './operator-audit.ts'
import { type OperatorClients, operatorClients } from './operator-clients.ts'
import { type OperatorConsents, operatorConsents } from './operator-consents.ts'
import { type KnownManifest, type OperatorKeys, operatorKeys } from './operator-keys.ts'
import { type OperatorPolicy, readPolicy } from './operator-policy.ts'
import { type OperatorProviders, operatorProviders } from './operator-providers.ts'
import { type OperatorRequest, operatorRequests } from './operator-request.ts'
import { type OperatorStreams, operatorStreams } from './operator-streams.ts'
import { type OperatorTrust, operatorTrust } from './operator-trust.ts'
import { type OperatorUsers, operatorUsers } from './operator-users.ts'
import type { OperatorSigner, Signer } from './signer.ts'
import { type TrustQuestions, trustQuestions } from './trust-questions.ts'

/** Options of {@link createOperator}. Pass `operatorId`, or `domain`, from which the client computes the id. */
export interface OperatorOptions extends Omit<CallerOptions, 'key'> {
  /** The key that signs the calls: a root key, or an operational key with the roles that the calls need. */
  readonly key: OperatorSigner
  /** The root key for root operations: registering, the manifest of keys, releasing the domain. By default `key`. */
  readonly rootKey?: Signer | undefined
  readonly operatorId?: string | undefined
  /** The domain in lower case and A-labels. `register` needs it. */
  readonly domain?: string | undefined
  /**
   * The RFC 7638 thumbprint of the operator's first root key, from which its id was computed. By default the one of
   * the root key. Pass it if the root key has been replaced since.
   */
  readonly firstRootKey?: string | undefined
  /** What this client knows about the manifest of the operator's keys from before. */
  readonly knownManifest?: KnownManifest | undefined
}

/**
 * The calls that an operator can make. A call that needs an assertion gets a new one, which is valid once and for a
 * minute. The members of answers have the names of the wire format. Calls reject with Auth4AgentError.
 */
export interface Operator extends TrustQuestions {
  readonly id: string
  readonly agents: OperatorAgents
  readonly keys: OperatorKeys
  readonly verification: {
    /**
     * Resolves with the TXT record that proves the domain. Rejects if the server names a record of another operator or
     * server.
     */
    instructions(): Promise<answers.DomainInstructions>
    /** Asks the server to look for the TXT record now. */
    confirm(): Promise<answers.DomainConfirmation>
  }
  readonly policy: {
    /** Resolves with the policy. */
    get(): Promise<OperatorPolicy>
    /**
     * Replaces the whole policy. A member that is left out is reset. With the `etag` of an answer, it replaces only
     * that version, and rejects with POLICY_CHANGED if the policy has changed since. All tokens and grants of the
     * operator's agents end if the policy for grants becomes narrower: a domain is gone, or the lifetime is shorter.
     * Tokens for users end if fewer of them may come to an audience, or may go to another operator.
     */
    set(policy: Partial<OperatorPolicy>): Promise<OperatorPolicy>
  }
  /**
   * Registers the domain and the key. Resolves with the same operator if both are registered already. Rejects with
   * TypeError if the option `domain` is missing.
   */
  register(): Promise<answers.RegisteredOperator>
  /** Resolves with the public state of the operator. */
  status(): Promise<answers.OperatorState>
  /** Ends all tokens of all agents of the operator. */
  endAllTokens(reason?: string): Promise<answers.EndedTokens>
  /** Releases the domain for good, with the root key. Pass approvals if the threshold demands them. */
  release(reason?: string, approvals?: readonly string[]): Promise<answers.ReleasedOperator>
  /** Does the same as `release`, but returns the request, so that other root keys can approve it. */
  prepareRelease(reason?: string): OperatorRequest
  /**
   * Sends a prepared request with the root key and the approvals of further root keys. Rejects with TypeError for a
   * request of another operator or server.
   */
  send(request: OperatorRequest, approvals?: readonly string[]): Promise<answers.SentRequest>
  /** Revokes one token by its id. */
  revokeToken(jti: string, reason?: string): Promise<answers.RevokedToken>
  /**
   * Revokes the last grant of a chain, and everything derived from it. The operator must be the one of its holder, of
   * its signer, or of the first agent of the chain. `revokeToken` revokes a grant of an own agent by its id alone.
   */
  revokeGrant(chain: string, reason?: string): Promise<answers.RevokedToken>
  readonly attestation: OperatorAttestation
  readonly audit: OperatorAudit
  readonly providers: OperatorProviders
  readonly users: OperatorUsers
  readonly clients: OperatorClients
  /** What users let clients do. */
  readonly consents: OperatorConsents
  readonly streams: OperatorStreams
  readonly trust: OperatorTrust
  /**
   * Makes an assertion for another program, such as curl or grpcurl. `rpc` (`METHOD /path` or
   * `package.Service/Method`) names the one call that the assertion allows. Without `rpc`, the assertion allows only
   * calls that read. With `body`, the assertion allows no other body: pass the exact bytes of the HTTP request, or of
   * the gRPC message. An empty text means that the request has no body.
   */
  assert(rpc?: string, body?: Uint8Array | string): Promise<string>
}

const OPERATOR_NAMES: Names<OperatorOptions> = {
  ...CALLER_NAMES,
  rootKey: true,
  operatorId: true,
  domain: true,
  firstRootKey: true,
  knownManifest: true,
}

/**
 * Creates a client for an operator, without a request to the server.
 *
 * Throws TypeError for an id that is not a UUID, if id and domain are both missing, for a server address that is
 * neither https nor on loopback, and for unknown options.
 *
 * @example
 *
 * ```ts
 * import { createOperator } from '@auth4agent/sdk'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const operator = createOperator({
 *   server: 'https://auth.example.com',
 *   domain: 'acme.example',
 *   key: await readKeyFile('root.key'),
 * })
 * await operator.register()
 * const { txt_record_name, txt_record_value } = await operator.verification.instructions() // publish this
 * await operator.verification.confirm()
 * ```
 */
export function createOperator(given: OperatorOptions): Operator {
  const { id, key, caller, rootCaller, rootKey, domain, known, now, firstRootKey } = readOptions(given)
  const base = `/v1/operators/${id}`
  const read = (path: string) => caller.call(id, { method: 'GET', path: base + path })
  const change = (path: string, body: object) => caller.call(id, { method: 'POST', path: base + path, body })
  const requests = operatorRequests(rootCaller, id)
  const revoke = async (body: object) =>
    readAnswer(answers.revokedToken, await caller.call(id, { method: 'POST', path: '/v1/revoke/token', body }))
  const status = async () => readAnswer(answers.operatorState, await caller.open({ method: 'GET', path: base }))
  const ownDomain = async () => domain ?? (await status()).domain
  const prepareRelease = (reason?: string) => requests.make('POST', `${base}/release`, { reason })
  return {
    id,
    agents: operatorAgents(caller, id, { key, now }),
    keys: operatorKeys({ id, caller, requests, rootKey, known, now }),
    verification: verification(caller, { id, domain, firstRootKey, rootKeys: kidsOf(rootKey, known) }),
    policy: {
      get: async () => readPolicy(await read('/policy')),
      set: async (policy) => readPolicy(await caller.call(id, { method: 'PUT', path: `${base}/policy`, body: policy })),
    },
    register: async () => {
      if (domain === undefined) throw new TypeError('register() needs the option domain')
      if (rootKey === undefined) throw new TypeError('register() needs a root key')
      const body = { domain, root_public_key: encodeBase64(rootKey.publicKey) }
      return readAnswer(answers.registeredOperator, await caller.open({ method: 'POST', path: '/v1/operators', body }))
    },
    status,
    endAllTokens: async (reason) => readAnswer(answers.ended, await change('/end-all-tokens', { reason })),
    release: async (reason, approvals = []) =>
      readAnswer(answers.released, await requests.send(prepareRelease(reason), approvals)),
    prepareRelease,
    send: async (request, approvals = []) => readAnswer(answers.sent, await requests.send(request, approvals)),
    revokeToken: (jti, reason) => revoke({ jti, reason }),
    revokeGrant: (chain, reason) => revoke({ token: chain, reason }),
    attestation: operatorAttestation(caller, id),
    audit: operatorAudit(caller, id),
    providers: operatorProviders(caller, id),
    users: operatorUsers(caller, id),
    clients: operatorClients(caller, id),
    consents: operatorConsents(caller, id),
    streams: operatorStreams(caller, id),
    trust: operatorTrust({ id, caller, requests, rootKey, now, domain: ownDomain }),
    ...trustQuestions(caller, id),
    assert: (rpc, body) => caller.assert(id, { rpc, body }),
  }
}

/** Checks the options, and makes the callers of the usual key and of the root key. */
function readOptions(given: OperatorOptions) {
  refuseUnknownNames('option', given, OPERATOR_NAMES)
  const { operatorId, domain, rootKey: ownRoot, firstRootKey: first, knownManifest: known, ...options } = given
  const { key, now = Date.now } = options
  const rootKey = ownRoot ?? (key.alg === 'ES256' ? undefined : key)
  const caller = createCaller(options)
  const rootCaller = rootKey === undefined ? caller : createCaller({ ...options, key: rootKey })
  const firstRootKey = first ?? (rootKey && signerKid(rootKey))
  const { issuer } = caller
  const id = operatorId ?? (domain && firstRootKey && idOf({ issuer, domain, thumbprint: firstRootKey }))
  if (!id || !isUuid(id)) throw new TypeError('Pass domain with a root key, or operatorId, which must be a UUID')
  return { id, key, caller, rootCaller, rootKey, domain, known, now, firstRootKey }
}

function verification(caller: Caller, owner: Omit<Owner, 'issuer'>): Operator['verification'] {
  const path = `/v1/operators/verify/${owner.id}`
  return {
    instructions: async () => {
      const told = readAnswer(answers.instructions, await caller.open({ method: 'GET', path }))
      checkInstructions(told, { ...owner, issuer: caller.issuer })
      return told
    },
    confirm: async () => readAnswer(answers.confirmation, await caller.open({ method: 'POST', path })),
  }
}

/** Returns the thumbprints of the root keys that this client knows. */
function kidsOf(rootKey: Signer | undefined, known: KnownManifest | undefined): readonly string[] {
  return [...(rootKey === undefined ? [] : [signerKid(rootKey)]), ...(known?.rootKeys ?? []).map(jwkThumbprint)]
}
