import { isTokenAlgorithm, TOKEN_ALGORITHMS } from '@auth4agent/core/keys/token-algorithms'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import type { Handlers } from '../chain/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import type { KeysOptions } from './config.ts'
import { parseSigningKey } from './domain/parse-signing-key.ts'
import type { SigningKey } from './key-store.ts'
import type { OpenKeys } from './open-keys.ts'
import { countSealedUnderOthers } from './rewrap.ts'
import type { ListedKey } from './signing-keys.ts'

type Routes = Handlers<typeof KeysService>

/** Dependencies of the handlers. */
type KeysDeps = Pick<KeysOptions, 'db' | 'settings' | 'tokenStatus' | 'verificationKeys'> &
  Pick<OpenKeys, 'signingKeys' | 'sealedKeys' | 'vault'>

/** Creates the handlers of KeysService: the JWKS, and the administrator's calls. */
export function keysRoutes(deps: KeysDeps): Routes {
  return { ...keySetRoute(deps), ...adminRoutes(deps) }
}

/** Serves the public halves of the active, retiring and prepared keys. */
function keySetRoute({ verificationKeys, tokenStatus, settings }: KeysDeps): Pick<Routes, 'getJsonWebKeySet'> {
  return {
    async getJsonWebKeySet() {
      const known = await verificationKeys.list()
      const published = known.filter(({ state }) => state !== 'retired' && state !== 'compromised')
      // The keys in memory may be seconds old, but a compromised key must be absent as soon as the call that marked it
      // has returned.
      const ended = await tokenStatus.endedKeys(published.map(({ kid }) => kid))
      return {
        // The order of the algorithms is fixed, EdDSA first, for clients that support only EdDSA.
        keys: TOKEN_ALGORITHMS.flatMap((alg) => published.filter((key) => key.alg === alg))
          .filter(({ kid }) => !ended.has(kid))
          .map(({ kid, alg, jwk }) => Object.assign({ alg, use: 'sig', kid }, jwk)),
        maxAgeSeconds: settings.jwksMaxAgeS,
      }
    },
  }
}

function adminRoutes({ db, signingKeys, sealedKeys, vault }: KeysDeps): Omit<Routes, 'getJsonWebKeySet'> {
  return {
    async listSigningKeys() {
      const [keys, sealedUnderOthers] = await Promise.all([
        signingKeys.list(),
        countSealedUnderOthers(db.prisma, vault.kekId),
      ])
      return { keys: keys.map(toProto), kekId: vault.kekId, sealedUnderOthers }
    },
    async rotateSigningKeys({ alg, kid, reason }, call) {
      if (alg !== '' && !isTokenAlgorithm(alg)) throw new ApiError('INVALID_ALGORITHM')
      const wish = { ...(alg !== '' && { alg }), ...(kid !== '' && { kid }) }
      const { keys, touched } = await signingKeys.rotate(call, wish, checkReason(reason))
      const rotated = keys.filter((key) => touched.has(key.kid))
      const inState = (state: SigningKey['state']) => rotated.filter((key) => key.state === state).map(toProto)
      return { active: inState('active'), retiring: inState('retiring') }
    },
    async markKeyCompromised({ kid, force, reason }, call) {
      const { keys, touched } = await signingKeys.compromise(call, { kid, force }, checkReason(reason))
      const { compromisedAt = null } = keys.find((key) => key.kid === kid) ?? {}
      const successor = keys.find((key) => touched.has(key.kid) && key.state === 'active')
      return { kid, ...moments({ compromisedAt }), activeKid: successor?.kid ?? '' }
    },
    async importSigningKey({ key, alg, reason }, call) {
      const why = checkReason(reason)
      const parsed = await parseSigningKey(key, alg)
      return { key: toProto(await signingKeys.add(call, sealedKeys.seal(parsed.alg, parsed.secret), why)) }
    },
  }
}

function toProto(key: SigningKey & Partial<Pick<ListedKey, 'readyAt'>>) {
  const { kid, alg, state, createdAt, readyAt = null, kekId, externalRef } = key
  const { activatedAt, retiringAt, retiredAt, compromisedAt } = key
  return {
    kid,
    alg,
    state,
    ...moments({ createdAt, readyAt, activatedAt, retiringAt, retiredAt, compromisedAt }),
    heldBy: kekId !== null ? 'database' : externalRef !== null ? 'pkcs11' : '',
    kekId: kekId ?? '',
  }
}

/** Converts moments to timestamps, and leaves out fields without a moment. */
function moments(fields: Readonly<Record<string, Date | null>>) {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, moment]) => (moment === null ? [] : [[name, timestampFromDate(moment)]])),
  )
}
