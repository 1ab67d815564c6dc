import { describe, expect, it } from 'vitest'
import {
  type Claims,
  createKey,
  jwksOf,
  NOW_S,
  SUBJECT,
  signStatement,
} from '../../../test/support/federation/entities.ts'
import { WRONG_TIMES } from '../../../test/support/wrong-times.ts'
import { readEntityKeys } from './entity-keys.ts'
import { readSignedKeySet } from './signed-key-set.ts'

const SIGNER = createKey()
const KEYS = readEntityKeys(jwksOf(SIGNER)) ?? new Map()

const read = (claims: Claims) =>
  readSignedKeySet(
    signStatement({
      signer: SIGNER,
      header: { typ: 'jwk-set+jwt' },
      claims: { iss: SUBJECT, sub: SUBJECT, iat: NOW_S, keys: [], ...claims },
    }),
    SUBJECT,
    KEYS,
    NOW_S,
  )

describe('readSignedKeySet', () => {
  it.each<[string, Claims]>([
    ['without exp', {}],
    ['that ends in a second', { exp: NOW_S + 1 }],
  ])('reads a set %s', (_name, claims) => {
    expect(read(claims)).toEqual({ ok: true, set: { jwks: { keys: [] }, iat: NOW_S } })
  })

  it.each(['iat', 'exp'].flatMap((claim) => WRONG_TIMES.map(([name, value]) => [claim, name, value] as const)))(
    'refuses %s that is %s',
    (claim, _name, value) => {
      const text = 'iat, and exp if there is one, must be whole Unix seconds'
      expect(read({ [claim]: value })).toEqual({ ok: false, rule: 'CLAIM_MALFORMED', text })
    },
  )
})
