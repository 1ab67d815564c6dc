import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ISSUER } from '@auth4agent/core/identity/assertion'
import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { type DeploymentCalls, deploymentCalls } from './administrator-deployment.ts'
import { type FederationCalls, federationCalls } from './administrator-federation.ts'
import { type IssuerCalls, issuerCalls } from './administrator-issuers.ts'
import { readAnswer, readAnswers } from './answers.ts'
import { CALLER_NAMES, type CallerOptions, createCaller } from './caller.ts'
import * as answers from './operator-answers.ts'
import { type TrustQuestions, trustQuestions } from './trust-questions.ts'

/** Which signing keys to rotate. Without `alg` and `kid`, the server rotates all kinds of keys. */
export interface Rotation {
  /** Only the key that signs access tokens with this algorithm. */
  readonly alg?: string | undefined
  /** The prepared key that becomes active. It may have any purpose. */
  readonly kid?: string | undefined
  readonly reason?: string | undefined
}

/**
 * All signing keys. `sealed_under_others` counts the secrets that are sealed under a key-encryption key other than
 * `kek_id`.
 */
export interface SigningKeys {
  readonly keys: readonly answers.SigningKeyState[]
  readonly kek_id: string | null | undefined
  readonly sealed_under_others: number | null | undefined
}

/** The keys that sign after a rotation, and the keys that have stopped signing. */
export interface RotatedKeys {
  readonly active: readonly answers.SigningKeyState[]
  readonly retiring: readonly answers.SigningKeyState[]
}

/** The calls that the administrator of a deployment can make. `Operator` has the calls that an operator can make. */
export interface Administrator extends TrustQuestions {
  readonly operators: {
    /** Suspends an operator. Its agents get no new tokens, and their existing tokens end. */
    suspend(id: string, reason?: string): Promise<answers.SuspendedOperator>
    /** Lets a suspended operator act again. Tokens that have ended stay ended. */
    reinstate(id: string): Promise<answers.ReinstatedOperator>
  }
  readonly keys: {
    list(): Promise<SigningKeys>
    rotate(what?: Rotation): Promise<RotatedKeys>
    /**
     * Marks a key as compromised, which ends every token that the key signed. With `force`, the server marks the key
     * even if no other key is ready to sign.
     */
    compromise(
      kid: string,
      how?: { reason?: string | undefined; force?: boolean | undefined },
    ): Promise<answers.CompromisedKey>
    /**
     * Imports a private key that was created elsewhere. `key` is PEM or a JWK as JSON text. By default the key will
     * sign access tokens; with `purpose` `introspection` it will sign introspection answers, with `grant`
     * grants, with `federation` statements of OpenID Federation, and with `security_event` security event tokens.
     */
    import(
      key: string,
      how?: { alg?: string | undefined; purpose?: string | undefined; reason?: string | undefined },
    ): Promise<answers.SigningKeyState>
  }
  /** Foreign issuers whose tokens the deployment accepts. */
  readonly issuers: IssuerCalls
  /** Trust anchors, candidates, and the subordinates of the deployment's own authority (OpenID Federation). */
  readonly federation: FederationCalls
  /** The processes that use the database of the deployment, and the last step of an upgrade. */
  readonly deployment: DeploymentCalls
  /** Ends every token, and voids every challenge, code and refresh token. Call it after a restore from a backup. */
  endAllTokens(reason?: string): Promise<answers.EndedDeployment>
  /**
   * Makes an assertion for another program, such as curl. `rpc` (`METHOD /path` or `package.Service/Method`) names the
   * one call that the assertion allows. Without `rpc`, the assertion allows only calls that read. With `body`, the
   * assertion allows no other body: pass the exact bytes. An empty text means that the request has no body.
   */
  assert(rpc?: string, body?: Uint8Array | string): Promise<string>
}

const KID = /^[\w-]{1,128}$/

/**
 * Creates a client for the administrator of a deployment, without a request to the server. The methods of the client
 * reject with Auth4AgentError.
 *
 * Throws TypeError for a server address that is neither https nor on loopback, and for unknown options.
 *
 * @example
 *
 * ```ts
 * import { createAdministrator } from '@auth4agent/sdk'
 * import { readKeyFile } from '@auth4agent/sdk/node'
 *
 * const administrator = createAdministrator({
 *   server: 'https://auth.example.com',
 *   key: await readKeyFile('/etc/auth4agent/admin.key'),
 * })
 * await administrator.operators.suspend(operatorId, 'abuse report 17')
 * ```
 */
export function createAdministrator(options: CallerOptions): Administrator {
  refuseUnknownNames('option', options, CALLER_NAMES)
  const caller = createCaller(options)
  const change = (path: string, body: object) => caller.call(ADMIN_ISSUER, { method: 'POST', path, body })
  const operator = (id: string, verb: string, body: object) => {
    if (!isUuid(id)) throw new TypeError('An operator id must be a UUID')
    return change(`/v1/operators/${id}/${verb}`, body)
  }
  return {
    operators: {
      suspend: async (id, reason) => readAnswer(answers.suspendedOperator, await operator(id, 'suspend', { reason })),
      reinstate: async (id) => readAnswer(answers.reinstatedOperator, await operator(id, 'reinstate', {})),
    },
    keys: {
      list: async () => {
        const shape = { keys: 'any', kek_id: 'text?', sealed_under_others: 'count?' } as const
        const list = readAnswer(shape, await caller.call(ADMIN_ISSUER, { method: 'GET', path: '/v1/keys' }))
        return { ...list, keys: readAnswers(answers.signingKey, list.keys) }
      },
      rotate: async (what = {}) => {
        const { active, retiring } = readAnswer(
          { active: 'any', retiring: 'any' },
          await change('/v1/keys/rotate', what),
        )
        return { active: readAnswers(answers.signingKey, active), retiring: readAnswers(answers.signingKey, retiring) }
      },
      compromise: async (kid, how = {}) => {
        if (!KID.test(kid)) throw new TypeError('A key id must be 1 to 128 characters of base64url')
        return readAnswer(answers.compromised, await change(`/v1/keys/${kid}/compromise`, how))
      },
      import: async (key, how = {}) => {
        const { key: imported } = readAnswer({ key: 'any' }, await change('/v1/keys/import', { key, ...how }))
        return readAnswer(answers.signingKey, imported)
      },
    },
    issuers: issuerCalls(caller),
    federation: federationCalls(caller),
    deployment: deploymentCalls(caller),
    ...trustQuestions(caller, ADMIN_ISSUER),
    endAllTokens: async (reason) =>
      readAnswer(answers.endedDeployment, await change('/v1/deployment/end-all-tokens', { reason })),
    assert: (rpc, body) => caller.assert(ADMIN_ISSUER, { rpc, body }),
  }
}
