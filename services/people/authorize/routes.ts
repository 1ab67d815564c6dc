import type { SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { Call, Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import type { Cause } from '../../platform/trace/span.ts'
import type { ClientDocuments } from '../clients/documents.ts'
import { giveConsent } from '../consents/give-consent.ts'
import { checkForm, sealForm } from '../sessions/form.ts'
import { type SessionDeps, type SignedInUser, signedInUser } from '../sessions/session.ts'
import type { ChooseDeps } from '../sign-in/choose-provider.ts'
import type { SignInDeps } from '../sign-in/start-flow.ts'
import { startSignIn } from '../sign-in/start-sign-in.ts'
import {
  type AuthorizeDeps,
  authorize,
  type ConsentQuestion,
  denyRequest,
  grantCode,
  isFresh,
  type NextStep,
  openRequest,
  type SignedIn,
  shownOf,
} from './authorize.ts'

/** Dependencies of the calls about authorization requests. */
export interface AuthorizeRoutesDeps extends Omit<AuthorizeDeps, 'findDocument'>, SignInDeps, ChooseDeps, SessionDeps {
  readonly db: AuthorizeDeps['db'] & SessionDeps['db']
  readonly documents: Pick<ClientDocuments, 'find'>
}

const HOUR_S = 3_600
/** Where authorization requests come in, below the issuer. */
const AUTHORIZE = '/oauth/authorize'

/** Creates the handlers of SignInService that are about authorization requests. */
export function authorizeRoutes(
  deps: AuthorizeRoutesDeps,
): Pick<Handlers<typeof SignInService>, 'authorize' | 'decideConsent'> {
  const depsFor = ({ source = '' }: Call): AuthorizeDeps => ({
    ...deps,
    findDocument: (clientId) => deps.documents.find(clientId, source),
  })
  /** Returns what the browser does if the step is not the question. */
  const follow = async (step: Exclude<NextStep, { readonly kind: 'consent' }>, cookie: string, cause: Cause) => {
    if (step.kind === 'redirect') return { location: step.location, setCookie: [] }
    const { loginHint: hint, acrValues, prompt, maxAgeS, query } = step.wanted
    const wanted = {
      domains: step.domains,
      returnTo: `${AUTHORIZE}?${query}`,
      hint,
      maxAgeS,
      prompt: prompt === '' ? undefined : prompt,
      acrValues: acrValues.split(' ').filter((each) => each !== ''),
    }
    const { location, setCookie } = await startSignIn(deps, wanted, cookie, cause)
    return { location, setCookie: [...setCookie] }
  }
  return {
    async authorize({ cookie, query }, call) {
      const user = await signedInUser(deps, cookie)
      const found = depsFor(call)
      const step = await authorize(found, query, user && toSignedIn(user))
      if (step.kind !== 'consent') return follow(step, cookie, call)
      const content = contentOf(query, step.shown)
      const form = await sealForm(deps, { sessionId: user?.sessionId ?? '', content })
      return { question: toQuestion(step.question, user), form }
    },
    async decideConsent({ cookie, form, query, isAllowed, scopes }, call) {
      const user = await signedInUser(deps, cookie)
      if (user === undefined) throw new ApiError('SESSION_ENDED')
      const found = depsFor(call)
      const opened = await openRequest(found, query, toSignedIn(user))
      if ('kind' in opened) {
        if (opened.kind === 'consent') throw new Error('A request that is open has no step before it')
        return follow(opened, cookie, call)
      }
      const { judged, question } = opened
      // Meanwhile the owner may have changed the words, or the client its document.
      const content = contentOf(query, shownOf(opened))
      await checkForm(deps, form, { sessionId: user.sessionId, content })
      if (!isAllowed) return { location: denyRequest(deps, judged) }
      if (!isFresh(deps, toSignedIn(user))) throw new ApiError('SESSION_ENDED')
      const asked = question.scopes.map(({ name }) => name)
      const allowed = question.scopes.filter(({ name, isDefault }) => isDefault || scopes.includes(name))
      if (allowed.length === 0) throw new ApiError('INVALID_ARGUMENT', 'Allow at least one of them, or refuse')
      const { operatorId, subject, epoch } = user
      const { clientId, audience } = question
      const author = { ...call, principal: { kind: 'user', subject } } as const
      const consentId = await giveConsent({ prisma: deps.db.prisma, now: deps.now }, author, {
        operatorId,
        subject,
        epoch,
        clientId,
        audience,
        ownerId: opened.access.ownerId,
        asked,
        allowed: allowed.map(({ name }) => name),
        clientDigest: judged.document.digest,
        clientAuth: judged.document.authMethod,
      })
      const granted = allowed.map(({ name }) => name)
      return { location: await grantCode(found, opened, consentId, granted) }
    },
  }
}

/** A consent is for what stood on the page, so its form is too. */
function contentOf(query: string, shown: string): string {
  return JSON.stringify([query, shown])
}

/** Returns who has signed in, as decisions need it. */
export function toSignedIn({ operatorId, subject, signedInAt, authTime }: SignedInUser): SignedIn {
  const authTimeS = authTime === null ? undefined : secondsOf(authTime)
  return { operatorId, subject, signedInAtS: secondsOf(signedInAt), authTimeS }
}

function secondsOf(date: Date): number {
  return Math.floor(date.getTime() / 1000)
}

/** Returns what the page of consent shows. */
export function toQuestion(question: ConsentQuestion, user: SignedInUser | undefined) {
  const { scopes, connectionS, ...same } = question
  return {
    ...same,
    maxHours: Math.floor(connectionS / HOUR_S),
    scopes: scopes.map(({ name, words, isDefault }) => ({ name, words, isDefault })),
    userName: user?.name ?? '',
    userDomain: user?.domain ?? '',
  }
}
