import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { fingerprint, formatDid, parseDid } from '@auth4agent/core/identity/did'
import { type Names, refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { parseScopeString } from '@auth4agent/core/token/scope'
import { authenticateAt } from './agent.ts'
import { readAnswer } from './answers.ts'
import type { IssuedToken } from './issued-token.ts'
import { generateKey, type KeyLike, type SeedSigner } from './keys/signers.ts'
import { createOperator, type Operator } from './operator.ts'
import * as answers from './operator-answers.ts'
import { systemRuntime } from './runtime.ts'
import { openServer, SERVER_NAMES, type Server, type ServerOptions } from './server.ts'
import type { Signer } from './signer.ts'
import { TERM_NAMES, type TokenTerms } from './terms.ts'
import { createJwksVerifier, type JwksVerifier } from './verify-by-jwks.ts'

/** A key under a domain: of an operator, or of an agent. */
export interface Identity extends SeedSigner {
  readonly domain: string
  readonly did: string
}

/** Which agent wants a token, and what for. */
export interface AuthenticateOptions extends TokenTerms {
  readonly did: string
  /** The agent's key; not needed for an identity that this object has made or registered. */
  readonly identity?: KeyLike | undefined
  /** Space-separated, as in `scopes`. */
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

/** An agent, and the operator that it belongs to. */
interface AgentOf {
  readonly operatorId: string
  /** The operator's key; not needed when this object has registered it. */
  readonly operator?: Signer | undefined
}

/**
 * Everything in one object, for programs that know this protocol's first SDK. It remembers the keys that it has made and
 * registered, in memory alone. What is new here is in `createAgent` and `createOperator`.
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
    /** Makes a key pair under a domain. Rejects with TypeError when there can be no DID under it. */
    create: async (domain: string): Promise<Identity> => {
      const key = await generateKey()
      const did = formatDid(domain, fingerprint(key.publicKey))
      if (parseDid(did) === undefined) throw new TypeError(`this is not a domain in lower case: ${domain}`)
      const identity = { ...key, domain, did }
      this.#identities.set(did, identity)
      return identity
    },
  }

  readonly operator = {
    /** Registers a domain under an operator's key; again answers the same operator. */
    register: async ({ domain, identity }: { readonly domain: string; readonly identity: Signer }) => {
      const operator = createOperator({ ...this.#options, domain, key: identity })
      const registered = await operator.register()
      this.#operators.set(registered.id, identity)
      return registered
    },
    verification: {
      /** The TXT record that proves the operator's domain. */
      instructions: async (id: string): Promise<answers.DomainInstructions> => {
        const own = this.#operatorOf({ operatorId: id })
        return own ? own.verification.instructions() : readAnswer(answers.instructions, await this.#verify('GET', id))
      },
      /** Has the record looked for now. */
      confirm: async (id: string): Promise<answers.DomainConfirmation> =>
        readAnswer(answers.confirmation, await this.#verify('POST', id)),
    },
  }

  readonly agent = {
    /** Registers an agent: as active and without scopes in its operator's name, where that is known here; else it is pending. */
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
    /** Replaces an agent's grant, in its operator's name. Rejects with TypeError where that one's key is not known. */
    updateScopes: async (
      options: AgentOf & { readonly did: string; readonly allowedScopes: readonly string[] },
    ): Promise<answers.AgentScopes> => {
      const operator = this.#operatorOf(options)
      if (operator === undefined) throw new TypeError('scopes are set by the operator: pass its identity as `operator`')
      return operator.agents.setScopes(options.did, options.allowedScopes)
    },
  }

  /**
   * Verifies a token by the server's JWKS. What has been revoked is good until it expires: services are better off with
   * `@auth4agent/verifier`, which follows revocations. Say whom the token has to be for, and whose agents are trusted.
   */
  readonly verify: JwksVerifier

  /** Gets a token. Rejects with Auth4AgentError, and with TypeError where the agent's key is not known. */
  async authenticate(wanted: AuthenticateOptions): Promise<IssuedToken> {
    refuseUnknownNames('option', wanted, AUTHENTICATE_NAMES)
    const { did, identity, scope, scopes, ...options } = wanted
    const key = identity ?? this.#identities.get(did)
    if (key === undefined) throw new TypeError(`pass the key of ${did} as \`identity\``)
    const named = scope === undefined ? scopes : parseScopeString(scope)
    if (scope !== undefined && named === undefined) throw new TypeError(`these are not scopes: ${scope}`)
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
