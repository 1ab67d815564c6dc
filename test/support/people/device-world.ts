import { create } from '@bufbuild/protobuf'
import { AuthorizeDeviceRequestSchema } from '../../../gen/proto/auth4agent/v1/oauth_pb.ts'
import {
  DecideUserCodeRequestSchema,
  OpenDevicePageRequestSchema,
  OpenUserCodeRequestSchema,
} from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import { createClientDocuments } from '../../../services/people/clients/documents.ts'
import { DEVICE_CODE } from '../../../services/people/device/domain/grant-type.ts'
import { deviceRoutes } from '../../../services/people/device/routes.ts'
import { createCookies } from '../../../services/people/sessions/cookies.ts'
import { beginSession } from '../../../services/people/sessions/session.ts'
import { limitKeys } from '../../../services/platform/limits/limit-keys.ts'
import { scaleWorkRates } from '../../../services/platform/limits/rates.ts'
import { ISSUER } from '../authn.ts'
import { silentLog } from '../database.ts'
import { anonymous } from '../identity.ts'
import { cookieHeader } from '../sign-in.ts'
import { CLIENT, type ConsentedUser, REDIRECT, type UserWorld } from './user-world.ts'

const DOCUMENT = {
  client_id: CLIENT,
  redirect_uris: [REDIRECT],
  grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
}

const noProviders = async (): Promise<never> => {
  throw new Error('These tests ask no provider')
}

/** What a test can do with devices in a world. */
export function deviceCallsOf({ instances, database, published }: UserWorld) {
  const { db } = database
  const outbound = {
    async get(url: string) {
      const body = Buffer.from(JSON.stringify(published.get(url)))
      return { mediaType: 'application/json', body, maxAgeS: 60, date: undefined }
    },
  }
  const { userCodesOfUser, userCodesOfSource } = scaleWorkRates(1)
  const cookies = createCookies(ISSUER)
  const routes = deviceRoutes({
    db,
    issuer: ISSUER,
    now: Date.now,
    challengeKeys: instances[0].keys.challengeKeys,
    cookies,
    providerClients: noProviders,
    operators: { lookupOperator: noProviders },
    documents: createClientDocuments({ outbound, log: silentLog, monotonic: () => 0, limitDocuments() {} }),
    limitUserCodes: {
      user: limitKeys('authorize', userCodesOfUser),
      source: limitKeys('authorize', userCodesOfSource),
    },
  })
  const openPage = (cookie: string) =>
    routes.openDevicePage(create(OpenDevicePageRequestSchema, { cookie }), anonymous())
  const type = async (cookie: string, userCode: string) => {
    const { form = '' } = await openPage(cookie)
    return routes.openUserCode(create(OpenUserCodeRequestSchema, { cookie, form, userCode }), anonymous())
  }
  const decide = (members: object) => routes.decideUserCode(create(DecideUserCodeRequestSchema, members), anonymous())
  return {
    openPage,
    type,
    decide,
    /** Lets devices ask for the users of an audience, by a client whose document is published. */
    allow: async ({ audience }: ConsentedUser, members: object = {}) => {
      published.set(CLIENT, { ...DOCUMENT, ...members })
      await db.pool.query(`UPDATE operator_audiences SET users = users || '{"device": true}' WHERE audience = $1`, [
        audience,
      ])
    },
    start: ({ audience }: Pick<ConsentedUser, 'audience'>, members: object = {}) =>
      instances[0].authorizeDevice(
        create(AuthorizeDeviceRequestSchema, { clientId: CLIENT, resource: [audience], ...members }),
        anonymous(),
      ),
    /** Signs a user in, and returns the Cookie header. */
    signIn: async ({ operator, subject, providerId: id }: ConsentedUser): Promise<string> => {
      const { edgeId } = await db.prisma.identityProvider.findUniqueOrThrow({ where: { id } })
      const user = { operatorId: operator.id, subject, epoch: 1 }
      const provider = { id, edgeId, redeemedAt: 'now' }
      return cookieHeader([await beginSession({ db, now: Date.now, cookies }, anonymous(), user, provider, '')])
    },
    /** Answers the request of a device as its user does. */
    answer: async (cookie: string, userCode: string, isAllowed = true) => {
      const { form = '', id = '' } = await type(cookie, userCode)
      return decide({ cookie, form, id, isAllowed })
    },
    /** Lets time pass between two requests of a device. */
    pass: () => db.pool.query(`UPDATE device_requests SET polled_at = polled_at - interval '1 hour'`),
  }
}
