import { isUuid } from '@auth4agent/core/encoding/uuid'
import { ADMIN_ISSUER } from '@auth4agent/core/identity/assertion'
import { refuseUnknownNames } from '@auth4agent/core/names/unknown-name'
import { readAnswer, readAnswers } from './answers.ts'
import { CALLER_NAMES, type CallerOptions, createCaller } from './caller.ts'
import * as answers from './operator-answers.ts'

/** Which signing keys to rotate: those of every algorithm unless told. */
export interface Rotation {
  readonly alg?: string | undefined
  /** The prepared key that is to sign. */
  readonly kid?: string | undefined
  readonly reason?: string | undefined
}

/** All signing keys; `sealed_under_others` counts secrets that are sealed under another key-encryption key than `kek_id`. */
export interface SigningKeys {
  readonly keys: readonly answers.SigningKeyState[]
  readonly kek_id: string | null | undefined
  readonly sealed_under_others: number | null | undefined
}

/** Which keys sign now, and which have ceased to. */
export interface RotatedKeys {
  readonly active: readonly answers.SigningKeyState[]
  readonly retiring: readonly answers.SigningKeyState[]
}

/** Everything that a deployment's administrator can do, as `Operator` is for operators. */
export interface Administrator {
  readonly operators: {
    /** Stops an operator: no new tokens, and outstanding ones end. */
    suspend(id: string, reason?: string): Promise<answers.SuspendedOperator>
    /** Revives no token. */
    reinstate(id: string): Promise<answers.ReinstatedOperator>
  }
  readonly keys: {
    list(): Promise<SigningKeys>
    rotate(what?: Rotation): Promise<RotatedKeys>
    /** Ends every token that a key signed. `force` goes on although no other key is ready. */
    compromise(
      kid: string,
      how?: { reason?: string | undefined; force?: boolean | undefined },
    ): Promise<answers.CompromisedKey>
    /** Takes in a private key made elsewhere: PEM, or a JWK as JSON. */
    import(
      key: string,
      how?: { alg?: string | undefined; reason?: string | undefined },
    ): Promise<answers.SigningKeyState>
  }
  /** After a restore from a backup: ends every token of every operator and voids every challenge. */
  endAllTokens(reason?: string): Promise<answers.EndedDeployment>
  /** An assertion for other programs: for the call that `rpc` names, or for reading alone. */
  assert(rpc?: string): Promise<string>
}

const KID = /^[\w-]{1,128}$/

/** The administrator of a server's deployment. Throws TypeError for a server's address that is not safe, and for unknown options. */
export function createAdministrator(options: CallerOptions): Administrator {
  refuseUnknownNames('option', options, CALLER_NAMES)
  const caller = createCaller(options)
  const change = (path: string, body: object) => caller.call(ADMIN_ISSUER, { method: 'POST', path, body })
  const operator = (id: string, verb: string, body: object) => {
    if (!isUuid(id)) throw new TypeError('an operator id is a UUID')
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
        if (!KID.test(kid)) throw new TypeError("a key's id is base64url")
        return readAnswer(answers.compromised, await change(`/v1/keys/${kid}/compromise`, how))
      },
      import: async (key, how = {}) => {
        const { key: imported } = readAnswer({ key: 'any' }, await change('/v1/keys/import', { key, ...how }))
        return readAnswer(answers.signingKey, imported)
      },
    },
    endAllTokens: async (reason) =>
      readAnswer(answers.endedDeployment, await change('/v1/deployment/end-all-tokens', { reason })),
    assert: (rpc) => caller.assert(ADMIN_ISSUER, rpc),
  }
}
