import type { SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { Call, Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { isFresh, shownOf } from '../authorize/authorize.ts'
import { type AuthorizeRoutesDeps, toQuestion, toSignedIn } from '../authorize/routes.ts'
import { giveConsent } from '../consents/give-consent.ts'
import { checkForm, sealForm } from '../sessions/form.ts'
import { type SignedInUser, signedInUser } from '../sessions/session.ts'
import { startSignIn } from '../sign-in/start-sign-in.ts'
import { answerDevice } from '../store/device-requests.ts'
import { DEVICE_PAGE } from './devices.ts'
import { openUserCode } from './open-user-code.ts'

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
  /** Opens what a person has typed, and counts it, so that nobody tries many. */
  const open = (user: SignedInUser, typed: string, { source = '' }: Call) => {
    deps.limitUserCodes.session(user.sessionId)
    deps.limitUserCodes.source(source)
    return openUserCode(deps, toSignedIn(user), typed, source)
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
      const opened = await open(user, userCode, call)
      const content = contentOf(opened.request.id, shownOf(opened))
      return { question: toQuestion(opened.question, user), form: await sealForm(deps, { sessionId, content }) }
    },
    async decideUserCode({ cookie, form, userCode, isAllowed, scopes }, call) {
      const user = await signedInUser(deps, cookie)
      if (user === undefined) throw new ApiError('SESSION_ENDED')
      const { operatorId, subject, epoch, sessionId } = user
      const opened = await open(user, userCode, call)
      const { request, question, judged, access } = opened
      await checkForm(deps, form, { sessionId, content: contentOf(request.id, shownOf(opened)) })
      const now = new Date(deps.now())
      if (!isAllowed) {
        await demandAnswered(answerDevice(deps.db.prisma, request.id, undefined, now))
        return {}
      }
      const signedIn = toSignedIn(user)
      if (!isFresh(deps, signedIn)) throw new ApiError('SESSION_ENDED')
      const allowed = question.scopes.filter(({ name, isDefault }) => isDefault || scopes.includes(name))
      if (allowed.length === 0) throw new ApiError('INVALID_ARGUMENT', 'Allow at least one of them, or refuse')
      const names = allowed.map(({ name }) => name)
      const { clientId, audience } = question
      const author = { ...call, principal: { kind: 'user', subject } } as const
      const consentId = await giveConsent({ prisma: deps.db.prisma, now: deps.now }, author, {
        operatorId,
        subject,
        epoch,
        clientId,
        audience,
        ownerId: access.ownerId,
        asked: question.scopes.map(({ name }) => name),
        allowed: names,
        clientDigest: judged.document.digest,
        clientAuth: judged.document.authMethod,
      })
      const { id: keyId } = await deps.challengeKeys.current()
      const given = { consentId, scopes: names, keyId, vouchedAtS: signedIn.signedInAtS }
      await demandAnswered(answerDevice(deps.db.prisma, request.id, given, now))
      return {}
    },
  }
}

async function demandAnswered(answered: Promise<boolean>): Promise<void> {
  if (!(await answered)) throw new ApiError('USER_CODE_NOT_FOUND', 'The code has expired, or somebody has answered')
}

/** A consent is for what stood on the page, so its form is too. */
function contentOf(id: string, shown: string): string {
  return JSON.stringify(['device', id, shown])
}
