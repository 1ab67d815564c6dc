import { routesOf } from '../calls/rpc.ts'
import type { VerificationKeys } from '../keys/verification-keys.ts'
import { scaleWorkRates } from '../platform/limits/rates.ts'
import { createRevocation, type Revocations } from '../revocation/index.ts'
import type { Part, ServiceDeps } from './part.ts'

/** Creates revocation. */
export function makeRevocation(
  { config, db, revocations, passedTime }: ServiceDeps,
  verificationKeys: VerificationKeys,
): Part & { readonly watchers: () => number } {
  const { store } = revocations
  const onWake: Revocations['onWake'] = (listener) => revocations.onWake(listener)
  const { issuer, rateFactorPercent } = config
  const replayRate = scaleWorkRates(rateFactorPercent / 100).replays
  const revocation = createRevocation({ db, issuer, verificationKeys, store, onWake, passedTime, replayRate })
  return {
    watchers: () => revocation.watchers,
    routes: routesOf(revocation.module),
    internal: [],
    jobs: [{ name: 'revocation', run: () => revocation.runSchedule() }],
  }
}
