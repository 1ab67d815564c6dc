import type { SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { Call, Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { isFresh, shownOf } from '../authorize/authorize.ts'
import { type AuthorizeRoutesDeps, toQuestion, toSignedIn } from '../authorize/routes.ts'
import { giveConsent } from '../consents/give-consent.ts'
import { checkForm, sealForm } from '../sessions/form.ts'
import { type SignedInUser, signedInUser } from '../sessions/session.ts'
import { startSignIn } from '../sign-in/start-sign-in.ts'
import { type AllowedDevice, answerDevice } from '../store/device-requests.ts'
import { DEVICE_PAGE } from './devices.ts'
import { type OpenedUserCode, openUserCode } from './open-user-code.ts'

/** Dependencies of the calls about devices. */
export interface DeviceRoutesDeps extends AuthorizeRoutesDeps {
  /** Count the codes that a person types, right or wrong. They throw ApiError RATE_LIMITED. */
  readonly limitUserCodes: { readonly session: (key: string) => void; readonly source: (key: string) => void }
}

/** What the form says in which a person types a code. */
const CONTENT = 'device'

/** Creates the handlers with which a person answers the request of a device (RFC 8628 section 3.3). */
export function deviceRoutes(
  deps: DeviceRoutesDeps,
): Pick<Handlers<typeof SignInService>, 'openDevicePage' | 'openUserCode' | 'decideUserCode'> {
  const answer = async (id: string, allowed: AllowedDevice | undefined) => {
    if (!(await answerDevice(deps.db.prisma, id, allowed, new Date(deps.now())))) throw changed()
  }
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
      const { sessionId } = user
      await checkForm(deps, form, { sessionId, content: CONTENT })
      const { source = '' } = call
      // Right or wrong, so that nobody learns anything from many at once.
      deps.limitUserCodes.session(sessionId)
      deps.limitUserCodes.source(source)
      const opened = await openUserCode(deps, toSignedIn(user), userCode, source)
      const content = contentOf(opened.request.id, shownOf(opened))
      return { question: toQuestion(opened.question, user), form: await sealForm(deps, { sessionId, content }) }
    },
    async decideUserCode({ cookie, form, userCode, isAllowed, scopes }, call) {
      const user = await signedInUser(deps, cookie)
      if (user === undefined) throw new ApiError('SESSION_ENDED')
      const opened = await openAgain(deps, user, { form, userCode }, call)
      const { id } = opened.request
      if (isAllowed) await answer(id, await allow(deps, user, opened, scopes, call))
      else await answer(id, undefined)
      return {}
    },
  }
}

/**
 * Opens the request about which the user has seen a page. All refusals are alike: nobody can try codes here, where
 * they are not counted.
 */
async function openAgain(
  deps: DeviceRoutesDeps,
  user: SignedInUser,
  { form, userCode }: Readonly<Record<'form' | 'userCode', string>>,
  { source = '' }: Call,
): Promise<OpenedUserCode> {
  try {
    const opened = await openUserCode(deps, toSignedIn(user), userCode, source)
    await checkForm(deps, form, { sessionId: user.sessionId, content: contentOf(opened.request.id, shownOf(opened)) })
    return opened
  } catch (error) {
    if (error instanceof ApiError) throw changed()
    throw error
  }
}

/** Stores what the user allows. */
async function allow(
  deps: DeviceRoutesDeps,
  user: SignedInUser,
  { question, judged, access }: OpenedUserCode,
  ticked: readonly string[],
  call: Call,
): Promise<AllowedDevice> {
  const signedIn = toSignedIn(user)
  if (!isFresh(deps, signedIn)) throw new ApiError('SESSION_ENDED')
  const allowed = question.scopes.filter(({ name, isDefault }) => isDefault || ticked.includes(name))
  if (allowed.length === 0) throw new ApiError('INVALID_ARGUMENT', 'Allow at least one of them, or refuse')
  const { operatorId, subject, epoch } = user
  const { clientId, audience } = question
  const scopes = allowed.map(({ name }) => name)
  const author = { ...call, principal: { kind: 'user', subject } } as const
  // All tokens may end before the device comes for its own: then this key is gone.
  const { id: keyId } = await deps.challengeKeys.current()
  const consentId = await giveConsent({ prisma: deps.db.prisma, now: deps.now }, author, {
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
  })
  return { consentId, scopes, keyId, vouchedAtS: signedIn.signedInAtS }
}

function changed(): ApiError {
  const detail = 'Type the code again: it has expired, or somebody has answered, or the page is too old'
  return new ApiError('FORM_EXPIRED', detail)
}

/** A consent is for what stood on the page, so its form is too. */
function contentOf(id: string, shown: string): string {
  return JSON.stringify(['device', id, shown])
}
