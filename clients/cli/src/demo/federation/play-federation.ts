import type { FederationCast } from './cast.ts'
import { type AcmeTokens, disableIssuer, endMembership } from './end.ts'
import { mend } from './mend.ts'
import { refuseBolt, refuseMore, signCure } from './no.ts'
import { explain, type FederationScene, newToken, until } from './scene.ts'
import { callAbroad, showDeployments, showStatements } from './yes.ts'

/** Statements of another deployment are read every 30 seconds, by a job that runs every 10. Twice of it. */
const READ_WITHIN_MS = 80_000

/** Runs all steps of the worked example, and prints each. `ending` brings the example back to its beginning. */
export async function playFederation(scene: FederationScene, ending: () => Promise<void>): Promise<void> {
  await using atEnd = new AsyncDisposableStack()
  atEnd.defer(ending)
  showDeployments(scene)
  await showStatements(scene)
  const cargo = await callAbroad(scene)
  const refused = await refuseBolt(scene)
  await signCure(scene, refused)
  await refuseMore(scene)
  const tokens: AcmeTokens = {
    cargo,
    dock: await newToken(scene, 'acme', scene.cast.dock),
    hall: await newToken(scene, 'acme', scene.cast.hall),
  }
  await endMembership(scene, tokens)
  await disableIssuer(scene, tokens)
}

const ASK_EVERY_MS = 250

/**
 * Waits until the example is at its beginning: an earlier run may have ended a moment ago.
 */
export async function prepare(cast: FederationCast, pause: FederationScene['pause']): Promise<void> {
  await mend(cast)
  for (const owner of [cast.cargo, cast.hall, cast.dock]) {
    await until(
      () => explain(owner, cast.acme),
      ({ allowed }) => allowed,
      { pause, withinMs: READ_WITHIN_MS, everyMs: ASK_EVERY_MS },
    )
  }
}
