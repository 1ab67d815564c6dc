import { randomUUID } from 'node:crypto'
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { ReceiveSecurityEventRequestSchema } from '../../../gen/proto/auth4agent/v1/provider_signals_pb.ts'
import { providerSignalRoutes } from '../../../services/people/signals/routes.ts'
import type { Db } from '../../../services/platform/db/db.ts'
import { makeTestKey, signTestJwt } from '../attestation/evidence-keys.ts'
import { ISSUER } from '../authn.ts'
import { anonymous } from '../identity.ts'
import { USER_IDP, USER_SUB } from './user-world.ts'

const SCHEMA = 'https://schemas.openid.net/secevent'
/** Types of events that end a user. */
export const EVENTS = {
  disabled: `${SCHEMA}/risc/event-type/account-disabled`,
  purged: `${SCHEMA}/risc/event-type/account-purged`,
  revoked: `${SCHEMA}/caep/event-type/session-revoked`,
}
/** The key of the provider of the users of a user world. */
const IDP_KEY = makeTestKey('RS256', 'idp-1')
/** The client id of the deployment there. */
const CLIENT_ID = 'auth4agent'

/** Returns the claims of a SET of that provider, with edits. */
export function setClaims(event: keyof typeof EVENTS, more: object = {}): object {
  return {
    iss: USER_IDP,
    aud: CLIENT_ID,
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1_000),
    sub_id: { format: 'iss_sub', iss: USER_IDP, sub: USER_SUB },
    events: { [EVENTS[event]]: {} },
    ...more,
  }
}

/** Signs a SET of the provider. Header members that are undefined are left out. */
export function signSet(claims: object, header: object = {}, key = IDP_KEY): string {
  return signTestJwt(key, claims, { typ: 'secevent+jwt', ...header })
}

/** Receives signals of providers over a database, and answers requests for the keys of the provider. */
export function signalReceiver(db: Db) {
  const asked: string[] = []
  const answers: { keys: unknown; failure: Error | undefined } = { keys: [IDP_KEY.jwk], failure: undefined }
  const outbound = {
    async get(url: string) {
      asked.push(url)
      if (answers.failure !== undefined) throw answers.failure
      const isDiscovery = url === `${USER_IDP}/.well-known/openid-configuration`
      const document = isDiscovery ? { issuer: USER_IDP, jwks_uri: `${USER_IDP}/jwks` } : { keys: answers.keys }
      const body = Buffer.from(JSON.stringify(document))
      return { mediaType: 'application/json', body, maxAgeS: undefined, date: undefined }
    },
    post: () => Promise.reject(new Error('No signal makes the server post anything')),
    close: async () => undefined,
  }
  const handlers = providerSignalRoutes({
    db,
    now: Date.now,
    monotonic: () => performance.now(),
    outbound,
    issuer: ISSUER,
  })
  return {
    asked,
    answers,
    /** Sends a SET to the place of a provider. */
    event: (message: MessageInitShape<typeof ReceiveSecurityEventRequestSchema>) =>
      handlers.receiveSecurityEvent(create(ReceiveSecurityEventRequestSchema, message), anonymous()),
  }
}
