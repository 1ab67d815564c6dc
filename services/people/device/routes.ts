import type { SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { type Author, change } from '../../ledger/ledger.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { isFresh, shownOf } from '../authorize/authorize.ts'
import { type AuthorizeRoutesDeps, toQuestion, toSignedIn } from '../authorize/routes.ts'
import { giveConsent } from '../consents/give-consent.ts'
import { checkForm, sealForm } from '../sessions/form.ts'
import { type SignedInUser, signedInUser } from '../sessions/session.ts'
import { startSignIn } from '../sign-in/start-sign-in.ts'
import { answerDevice } from '../store/device-requests.ts'
import { DEVICE_PAGE } from './devices.ts'
import { type OpenedRequest, openAgain, openUserCode } from './open-user-code.ts'

/** Dependencies of the calls about devices. */
export interface DeviceRoutesDeps extends AuthorizeRoutesDeps {
  /** Count the codes that a person types, right or wrong. They throw ApiError RATE_LIMITED. */
  readonly limitUserCodes: { readonly user: (key: string) => void; readonly source: (key: string) => void }
}

/** What the form says in which a person types a code. */
const CONTENT = 'device'

/** Creates the handlers with which a person answers the request of a device (RFC 8628 section 3.3). */
export function deviceRoutes(
  deps: DeviceRoutesDeps,
): Pick<Handlers<typeof SignInService>, 'openDevicePage' | 'openUserCode' | 'decideUserCode'> {
  return {
    async openDevicePage({ cookie }, call) {
      const user = await signedInUser(deps, cookie)
      if (user === undefined || !isFresh(deps, toSignedIn(user))) {
        const wanted = { domains: ['*'], returnTo: DEVICE_PAGE, hint: '' }
        const { location, setCookie } = await startSignIn(deps, wanted, cookie, call)
        return { location, setCookie: [...setCookie] }
      }
      return { form: await sealForm(deps, { sessionId: user.sessionId, content: CONTENT }) }
    },
    async openUserCode({ cookie, form, userCode }, call) {
      const user = await signedInUser(deps, cookie)
      if (user === undefined) throw new ApiError('SESSION_ENDED')
      const { sessionId, operatorId, subject } = user
      await checkForm(deps, form, { sessionId, content: CONTENT })
      const { source = '' } = call
      // Right or wrong, so that nobody learns anything from many at once. A new session is no new person.
      deps.limitUserCodes.user(`${operatorId} ${subject}`)
      deps.limitUserCodes.source(source)
      const opened = await openUserCode(deps, toSignedIn(user), userCode, source)
      const { id } = opened.request
      const sealed = await sealForm(deps, { sessionId, content: contentOf(opened) })
      return { question: toQuestion(opened.question, user), form: sealed, id }
    },
    async decideUserCode({ cookie, form, id, isAllowed, scopes }, call) {
      const user = await signedInUser(deps, cookie)
      if (user === undefined) throw new ApiError('SESSION_ENDED')
      const opened = await openAgain(deps, toSignedIn(user), id, call.source ?? '')
      // Meanwhile the owner may have changed the words, or the client its document.
      await checkForm(deps, form, { sessionId: user.sessionId, content: contentOf(opened) })
      const author = { ...call, principal: { kind: 'user', subject: user.subject } } as const
      await (isAllowed ? allow(deps, user, opened, scopes, author) : refuse(deps, user, opened, author))
      return {}
    },
  }
}

/** Stores what the user allows, and that the device may have it. */
async function allow(
  deps: DeviceRoutesDeps,
  user: SignedInUser,
  { request, question, judged, access }: OpenedRequest,
  ticked: readonly string[],
  author: Author,
): Promise<void> {
  const signedIn = toSignedIn(user)
  if (!isFresh(deps, signedIn)) throw new ApiError('SESSION_ENDED')
  const allowed = question.scopes.filter(({ name, isDefault }) => isDefault || ticked.includes(name))
  if (allowed.length === 0) throw new ApiError('INVALID_ARGUMENT', 'Allow at least one of them, or refuse')
  const { operatorId, subject, epoch } = user
  const { clientId, audience } = question
  const scopes = allowed.map(({ name }) => name)
  // All tokens may end before the device comes for its own: then this key is gone.
  const { id: keyId } = await deps.challengeKeys.current()
  const given = { scopes, keyId, vouchedAtS: signedIn.signedInAtS }
  const decision = {
    operatorId,
    subject,
    epoch,
    clientId,
    audience,
    ownerId: access.ownerId,
    asked: question.scopes.map(({ name }) => name),
    allowed: scopes,
    clientDigest: judged.document.digest,
    clientAuth: judged.document.authMethod,
  }
  // Nobody has consented to a request that somebody else has answered.
  await giveConsent({ prisma: deps.db.prisma, now: deps.now }, author, decision, (tx, audit, consentId) =>
    answerDevice(tx, audit, { request, operatorId, subject }, { ...given, consentId }, new Date(deps.now())),
  )
}

/** Stores that the user refuses. */
async function refuse(
  { db, now }: DeviceRoutesDeps,
  { operatorId, subject }: SignedInUser,
  { request }: OpenedRequest,
  author: Author,
): Promise<void> {
  const answered = { request, operatorId, subject }
  await change(db.prisma, author, (tx, audit) => answerDevice(tx, audit, answered, undefined, new Date(now())))
}

/** A consent is for what stood on the page, so its form is too. */
function contentOf(opened: OpenedRequest): string {
  return JSON.stringify(['device', opened.request.id, shownOf(opened)])
}
