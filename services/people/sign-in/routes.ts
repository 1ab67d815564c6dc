import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import type { SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { Call, Handlers } from '../../calls/call.ts'
import type { Author } from '../../ledger/ledger.ts'
import { authorizeRoutes } from '../authorize/routes.ts'
import { ownRoutes } from '../consents/own-routes.ts'
import { type DeviceRoutesDeps, deviceRoutes } from '../device/routes.ts'
import type { ProviderTokens } from '../providers/provider-tokens.ts'
import { checkForm, sealForm } from '../sessions/form.ts'
import { beginSession, endSession, type SessionDeps, signedInUser } from '../sessions/session.ts'
import { userSubject } from '../users/domain/user-subject.ts'
import { signInUser } from '../users/sign-in-user.ts'
import type { ChooseDeps } from './choose-provider.ts'
import { type FinishDeps, finishFlow, type Vouched } from './finish-flow.ts'
import { chooseSignIn } from './start-sign-in.ts'

/** Dependencies of SignInService. */
export type SignInRoutesDeps = FinishDeps &
  ChooseDeps &
  SessionDeps &
  DeviceRoutesDeps & { readonly tokens: Pick<ProviderTokens, 'seal'> }

/** The content of the form that signs out. */
const SIGN_OUT = 'sign-out'

/** Creates the handlers of SignInService. */
export function signInRoutes(deps: SignInRoutesDeps): Handlers<typeof SignInService> {
  const sessionIdOf = async (cookie: string) => (await signedInUser(deps, cookie))?.sessionId ?? ''
  return {
    async startSignIn({ cookie, form, request, who, provider: name }, call) {
      await checkForm(deps, form, { sessionId: await sessionIdOf(cookie), content: request })
      return chooseSignIn(deps, { request, who, name, cookie }, call).then(toStarted)
    },
    async finishSignIn({ cookie, providerId, query }, call) {
      const vouched = await finishFlow(deps, { providerId, query, cookie })
      const session = await signIn(deps, call, vouched, cookie)
      return { location: `${deps.issuer}${vouched.returnTo}`, setCookie: [vouched.endFlow, session] }
    },
    async getSession({ cookie, content }) {
      const user = await signedInUser(deps, cookie)
      const form = await sealForm(deps, { sessionId: user?.sessionId ?? '', content })
      if (user === undefined) return { form }
      const { subject, name, domain, signedInAt, expiresAt } = user
      const times = { signedInAt: timestampFromDate(signedInAt), expiresAt: timestampFromDate(expiresAt) }
      return { person: { subject, name, domain, ...times }, form }
    },
    async signOut({ cookie, form }, call) {
      const user = await signedInUser(deps, cookie)
      if (user !== undefined) await checkForm(deps, form, { sessionId: user.sessionId, content: SIGN_OUT })
      return { setCookie: [await endSession(deps, call, cookie)] }
    },
    ...authorizeRoutes(deps),
    ...ownRoutes(deps),
    ...deviceRoutes(deps),
  }
}

function toStarted({ location, setCookie, providers }: Awaited<ReturnType<typeof chooseSignIn>>) {
  return { location, setCookie: [...setCookie], providers: [...providers] }
}

/** Makes a vouched person a user of the operator, and begins a session. */
async function signIn(deps: SignInRoutesDeps, call: Call, vouched: Vouched, cookie: string) {
  const { provider, user, refreshToken, redeemedAt } = vouched
  const { operatorId, issuer, id: providerId, edgeId: providerEdge, subjectClaim: claim } = provider
  const person = { operatorId, providerId, providerEdge, issuer, claim, ...user, redeemedAt }
  const subject = userSubject(person)
  const author: Author = { ...call, principal: { kind: 'user', subject } }
  const token = refreshToken === undefined ? undefined : await deps.tokens.seal({ operatorId, subject }, refreshToken)
  const row = await signInUser({ prisma: deps.db.prisma, author }, { ...person, token })
  const { authTimeS, sid } = user
  return beginSession(deps, author, row, { id: providerId, edgeId: providerEdge, authTimeS, sid, redeemedAt }, cookie)
}
