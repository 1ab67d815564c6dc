import { sha256Text } from '@auth4agent/core/encoding/sha256'
import { authorize, type SignedIn } from '../../../services/people/authorize/authorize.ts'
import type { ClientDocument } from '../../../services/people/clients/domain/read-document.ts'
import { ISSUER } from '../authn.ts'
import { CLIENT, type ConsentedUser, REDIRECT, type useUserWorld } from './user-world.ts'

const DOCUMENT: ClientDocument = {
  clientId: CLIENT,
  name: 'A client',
  redirectUris: [REDIRECT, 'http://127.0.0.1/callback'],
  isOnDevices: false,
  authMethod: 'none',
  keys: undefined,
  digest: '',
}

/** Sends an authorization request of a user with changed parameters; one that is undefined is left out. */
type Ask = (
  user: ConsentedUser,
  changes?: object,
  signedIn?: Partial<SignedIn> | 'nobody',
  document?: object,
) => ReturnType<typeof authorize>

/** Returns what sends authorization requests of the users of a world. */
export function authorizationRequests(world: ReturnType<typeof useUserWorld>): Ask {
  return (user, changes = {}, signedIn = {}, document = {}) => {
    const usual = {
      response_type: 'code',
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      resource: user.audience,
      code_challenge: sha256Text('v', 'base64url'),
      code_challenge_method: 'S256',
      state: 's&t=1',
    }
    const given = Object.entries({ ...usual, ...changes }).filter(([, value]) => value !== undefined)
    const text = new URLSearchParams()
    for (const [name, value] of given) for (const each of [value].flat()) text.append(name, each)
    const deps = {
      db: world().database.db,
      issuer: ISSUER,
      now: Date.now,
      challengeKeys: world().instances[0].keys.challengeKeys,
      findDocument: async () => ({ ...DOCUMENT, ...document }),
    }
    const { operator, subject } = user
    const signedInAtS = Math.floor(Date.now() / 1_000)
    const who = { operatorId: operator.id, subject, signedInAtS, authTimeS: undefined }
    return authorize(deps, text.toString(), signedIn === 'nobody' ? undefined : { ...who, ...signedIn })
  }
}

/** Returns the parameters of a redirect to the client, or the kind of another step. */
export async function redirectOf(step: ReturnType<Ask>) {
  const answer = await step
  if (answer.kind !== 'redirect') return answer.kind
  const url = new URL(answer.location)
  return { to: `${url.origin}${url.pathname}`, ...Object.fromEntries(url.searchParams) }
}
