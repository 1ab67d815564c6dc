import { isTokenAlgorithm } from '@auth4agent/core/keys/token-algorithms'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { KeysService } from '../../gen/proto/auth4agent/v1/keys_pb.ts'
import type { Handlers } from '../calls/call.ts'
import { ApiError } from '../platform/errors/api-error.ts'
import { checkReason } from '../platform/requests/check-text.ts'
import type { KeysOptions } from './config.ts'
import { isOfKind, JWKS_KINDS, kindOf, onlyAlgorithmOf, PURPOSES } from './domain/key-kinds.ts'
import { parseSigningKey } from './domain/parse-signing-key.ts'
import type { SigningKey } from './key-store.ts'
import type { OpenKeys } from './open-keys.ts'
import { publishedKeys } from './published-keys.ts'
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

/** Serves the public halves of the active, retiring and prepared keys of the JWKS. */
function keySetRoute(deps: KeysDeps): Pick<Routes, 'getJsonWebKeySet'> {
  return {
    async getJsonWebKeySet() {
      const published = await publishedKeys(deps)
      return {
        keys: JWKS_KINDS.flatMap((kind) => published.filter((key) => isOfKind(kind, key))).map(({ kid, alg, jwk }) =>
          Object.assign({ alg, use: 'sig', kid }, jwk),
        ),
        maxAgeSeconds: deps.settings.jwksMaxAgeS,
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
    async importSigningKey({ key, alg, purpose, reason }, call) {
      const why = checkReason(reason)
      const { secret, kind } = await parseImport(key, alg, purpose)
      return { key: toProto(await signingKeys.add(call, sealedKeys.seal(kind, secret), why)) }
    },
  }
}

async function parseImport(key: string, alg: string, purpose: string) {
  if (purpose !== '' && !PURPOSES.some((known) => known === purpose))
    throw new ApiError('INVALID_ARGUMENT', `purpose must be one of ${PURPOSES.join(', ')}`)
  const only = onlyAlgorithmOf(purpose)
  const parsed = await parseSigningKey(key, alg, only)
  const kind = kindOf({ purpose: purpose || 'access_token', alg: parsed.alg })
  if (kind !== undefined) return { secret: parsed.secret, kind }
  parsed.secret.fill(0)
  const type = only === 'ES256' ? 'a P-256 key' : 'an Ed25519 key'
  throw new ApiError('INVALID_SIGNING_KEY', `A key with the purpose ${purpose} must be ${type} with the alg ${only}`)
}

function toProto(key: SigningKey & Partial<Pick<ListedKey, 'readyAt'>>) {
  const { kid, purpose, alg, state, createdAt, readyAt = null, kekId, externalRef } = key
  const { activatedAt, retiringAt, retiredAt, compromisedAt } = key
  return {
    kid,
    purpose,
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
