import type { SignInService } from '../../../gen/proto/auth4agent/v1/sign_in_pb.ts'
import type { Policies } from '../../calls/policy.ts'

const byBrowser = { callers: ['browser'] } as const

/** Who may call each method of SignInService: the pages of this server. */
export const signInPolicies: Policies<typeof SignInService> = {
  startSignIn: { ...byBrowser, limit: 'sign-in' },
  // A user who has left a group gets a higher epoch.
  finishSignIn: { ...byBrowser, limit: 'sign-in', action: 'session.begin', endsTokens: true },
  getSession: { ...byBrowser, limit: 'read' },
  authorize: { ...byBrowser, limit: 'authorize' },
  decideConsent: { ...byBrowser, limit: 'authorize', action: 'consent.give', endsTokens: true },
  openDevicePage: { ...byBrowser, limit: 'sign-in' },
  openUserCode: { ...byBrowser, limit: 'authorize' },
  decideUserCode: { ...byBrowser, limit: 'authorize', action: 'consent.give', endsTokens: true },
  listOwnConsents: { ...byBrowser, limit: 'read' },
  endOwn: { ...byBrowser, limit: 'urgent', action: 'consent.withdraw', endsTokens: true, urgent: true },
  signOut: { ...byBrowser, limit: 'manage', action: 'session.end', endsTokens: false },
}
