import { callByFetch } from './call-abroad.ts'
import { type AcmeTokens, disableIssuer, enableIssuer, endMembership, nameAgain } from './end.ts'
import { mend } from './mend.ts'
import { refuseBolt, refuseMore, signCure } from './no.ts'
import { type FederationScene, newToken, untilAllowed, untilFresh } from './scene.ts'
import { callAbroad, showDeployments, showStatements } from './yes.ts'

/** What a person sees while B has not read a statement of C. */
const READING = 'waiting until B has read what guild has signed, up to 40 seconds'

/** Runs all steps of the worked example, and prints each. `ending` brings the example back to its beginning. */
export async function playFederation(scene: FederationScene, ending: () => Promise<void>): Promise<void> {
  await using atEnd = new AsyncDisposableStack()
  atEnd.defer(ending)
  showDeployments(scene)
  await showStatements(scene)
  const cargo = await callAbroad(scene)
  const call = await callByFetch(scene, atEnd)
  const refused = await refuseBolt(scene)
  await signCure(scene, refused)
  await refuseMore(scene)
  const tokens: AcmeTokens = {
    cargo,
    dock: await newToken(scene, 'acme', scene.cast.dock),
    hall: await newToken(scene, 'acme', scene.cast.hall),
  }
  await endMembership(scene, tokens)
  await disableIssuer(scene, tokens, call)
  await enableIssuer(scene, tokens)
  await scene.progress(READING, nameAgain(scene))
}

/** Waits until the example is at its beginning: an earlier run may have ended a moment ago. */
export async function prepare(scene: Omit<FederationScene, 'tell'>): Promise<void> {
  const { cast, progress } = scene
  await mend(cast)
  for (const owner of [cast.cargo, cast.hall, cast.dock]) await progress(READING, untilAllowed(scene, owner, cast.acme))
  await untilFresh(scene, cast.cargo)
}
