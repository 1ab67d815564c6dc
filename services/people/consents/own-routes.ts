import type { SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { Handlers } from '../../calls/call.ts'
import { ApiError } from '../../platform/errors/api-error.ts'
import { endConnection } from '../connections/end-connection.ts'
import { checkForm, sealForm } from '../sessions/form.ts'
import { type SessionDeps, signedInUser } from '../sessions/session.ts'
import type { FlowDeps } from '../sign-in/flow.ts'
import { listConsentsOfUser, withdrawConsent } from '../store/consents.ts'
import { toConsent } from './to-message.ts'

/** Dependencies of the calls about a person's own consents. */
export type OwnRoutesDeps = SessionDeps & FlowDeps

/** What the form on the page of a person says. */
const CONTENT = 'acting'

/** Creates the handlers with which a person sees and ends what acts for them. */
export function ownRoutes(deps: OwnRoutesDeps): Pick<Handlers<typeof SignInService>, 'listOwnConsents' | 'endOwn'> {
  const { prisma } = deps.db
  return {
    async listOwnConsents({ cookie }) {
      const user = await signedInUser(deps, cookie)
      if (user === undefined) return {}
      const rows = await listConsentsOfUser(prisma, user)
      const form = await sealForm(deps, { sessionId: user.sessionId, content: CONTENT })
      return { consents: rows.map(toConsent), form }
    },
    async endOwn({ cookie, form, consentId, connectionId }, call) {
      const user = await signedInUser(deps, cookie)
      if (user === undefined) throw new ApiError('SESSION_ENDED')
      const { operatorId, subject, sessionId } = user
      await checkForm(deps, form, { sessionId, content: CONTENT })
      const author = { ...call, principal: { kind: 'user', subject } } as const
      const isOwn = (row: { readonly operatorId: string; readonly subject: string }) =>
        row.operatorId === operatorId && row.subject === subject
      if (connectionId === '') await withdrawConsent(prisma, author, consentId, isOwn)
      else await endConnection(prisma, author, connectionId, isOwn)
      return {}
    },
  }
}
