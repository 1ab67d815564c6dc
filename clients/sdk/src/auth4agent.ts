import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid, parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { readAnswer } from './answers.ts'
import { authenticateAt } from './authenticate.ts'
import type { IssuedToken } from './issued-token.ts'
import { generateKey, type KeyLike, type SeedSigner } from './keys/signers.ts'
import { createOperator, type Operator } from './operator.ts'
import * as answers from './operator-answers.ts'
import { systemRuntime } from './runtime.ts'
import { openServer, SERVER_NAMES, type Server, type ServerOptions } from './server.ts'
import type { Signer } from './signer.ts'
import { TERM_NAMES, type TokenTerms } from './terms.ts'
import { createJwksVerifier, type JwksVerifier } from './verify-by-jwks.ts'

/** A key with its domain and its DID, for an operator or an agent. */
export interface Identity extends SeedSigner {
  readonly domain: string
  readonly did: string
}

/** Options of {@link Auth4Agent.authenticate}: the agent and the terms of its token. */
export interface AuthenticateOptions extends TokenTerms {
  readonly did: string
  /** The agent's key. It may be left out for an identity that this object has created or registered. */
  readonly identity?: KeyLike | undefined
  /** The scopes as one string, separated by spaces. It is used instead of `scopes`. */
  readonly scope?: string | undefined
  readonly signal?: AbortSignal | undefined
}

const AUTHENTICATE_NAMES: Names<AuthenticateOptions> = {
  ...TERM_NAMES,
  did: true,
  identity: true,
  scope: true,
  signal: true,
}

/** The operator that an agent belongs to. */
interface AgentOf {
  readonly operatorId: string
  /** The operator's key. It may be left out if this object has registered the operator. */
  readonly operator?: Signer | undefined
}

/**
 * Offers the calls of this protocol's first SDK in one object. The object keeps the keys that it has created or
 * registered, in memory only. New features are only in `createAgent` and `createOperator`.
 *
 * @example
 *
 * ```ts
 * import { Auth4Agent } from '@auth4agent/sdk'
 *
 * const sdk = new Auth4Agent({ server: 'https://auth.example.com' })
 * const identity = await sdk.identity.create('acme.example')
 * await sdk.agent.register({ operatorId, identity })
 * const { token } = await sdk.authenticate({ did: identity.did, scope: 'orders:read' })
 * ```
 */
export class Auth4Agent {
  readonly #options: ServerOptions
  readonly #server: Server
  readonly #identities = new Map<string, KeyLike>()
  readonly #operators = new Map<string, Signer>()

  /** Throws TypeError for an address that is neither https nor on loopback, and for unknown options. */
  constructor(options: ServerOptions) {
    refuseUnknownNames('option', options, SERVER_NAMES)
    this.#options = options
    this.#server = openServer(options, systemRuntime)
    this.verify = createJwksVerifier(this.#server, systemRuntime)
  }

  readonly identity = {
    /** Creates a key pair and its DID under a domain. Rejects with TypeError if the domain is not valid in a DID. */
    create: async (domain: string): Promise<Identity> => {
      const key = await generateKey()
      const did = formatDid(domain, fingerprint(key.publicKey))
      if (parseDid(did) === undefined)
        throw new TypeError(`domain must be a domain name in lower case, not ${JSON.stringify(domain)}`)
      const identity = { ...key, domain, did }
      this.#identities.set(did, identity)
      return identity
    },
  }

  readonly operator = {
    /** Registers a domain with an operator's key. Resolves with the same operator if both are registered already. */
    register: async ({ domain, identity }: { readonly domain: string; readonly identity: Signer }) => {
      const operator = createOperator({ ...this.#options, domain, key: identity })
      const registered = await operator.register()
      this.#operators.set(registered.id, identity)
      return registered
    },
    verification: {
      /** Resolves with the TXT record that proves the operator's domain. */
      instructions: async (id: string): Promise<answers.DomainInstructions> => {
        const own = this.#operatorOf({ operatorId: id })
        return own ? own.verification.instructions() : readAnswer(answers.instructions, await this.#verify('GET', id))
      },
      /** Asks the server to look for the TXT record now. */
      confirm: async (id: string): Promise<answers.DomainConfirmation> =>
        readAnswer(answers.confirmation, await this.#verify('POST', id)),
    },
  }

  readonly agent = {
    /**
     * Registers an agent. If this object knows the operator's key, the agent becomes active, without scopes. Otherwise
     * the agent is pending.
     */
    register: async (options: AgentOf & { readonly identity: Signer & { readonly did: string } }) => {
      const { operatorId, identity } = options
      const { did, publicKey } = identity
      const operator = this.#operatorOf(options)
      this.#identities.set(did, identity)
      if (operator !== undefined) return operator.agents.register({ publicKey, did })
      const body = { did, agent_public_key: encodeBase64(publicKey), operator_id: operatorId }
      const path = `/v1/operators/${encodeURIComponent(operatorId)}/agents`
      return readAnswer(answers.registeredAgent, await this.#server.transport({ method: 'POST', path, body }))
    },
    /**
     * Replaces an agent's grant in the name of its operator. Rejects with TypeError if this object does not know the
     * operator's key.
     */
    updateScopes: async (
      options: AgentOf & { readonly did: string; readonly allowedScopes: readonly string[] },
    ): Promise<answers.AgentScopes> => {
      const operator = this.#operatorOf(options)
      if (operator === undefined)
        throw new TypeError('Only the operator can set scopes: pass its identity as `operator`')
      return operator.agents.setScopes(options.did, options.allowedScopes)
    },
  }

  /**
   * Verifies a token with the server's JWKS. This check does not know revocations, so it accepts a revoked token until
   * the token expires. A service should use `@auth4agent/verifier`, which follows revocations. Pass the audience that
   * you expect and the operators that you trust.
   *
   * @example
   *
   * ```ts
   * const verification = await sdk.verify(token, { audience: 'https://api.example.com', operators: ['acme.example'] })
   * if (!verification.valid) console.log(verification.reason)
   * ```
   */
  readonly verify: JwksVerifier

  /** Gets a token. Rejects with Auth4AgentError, and with TypeError if this object does not know the agent's key. */
  async authenticate(wanted: AuthenticateOptions): Promise<IssuedToken> {
    refuseUnknownNames('option', wanted, AUTHENTICATE_NAMES)
    const { did, identity, scope, scopes, ...options } = wanted
    const key = identity ?? this.#identities.get(did)
    if (key === undefined) throw new TypeError(`The key of ${did} is not known: pass it as \`identity\``)
    const named = scope === undefined ? scopes : parseScopeString(scope)
    if (scope !== undefined && named === undefined)
      throw new TypeError(`scope must be scope-tokens with spaces between, not ${JSON.stringify(scope)}`)
    return authenticateAt(this.#server, { ...options, did, key, scopes: named }, systemRuntime)
  }

  #operatorOf({ operatorId, operator }: AgentOf): Operator | undefined {
    const key = operator ?? this.#operators.get(operatorId)
    return key && createOperator({ ...this.#options, operatorId, key })
  }

  #verify(method: string, id: string): Promise<unknown> {
    return this.#server.transport({ method, path: `/v1/operators/verify/${encodeURIComponent(id)}` })
  }
}
