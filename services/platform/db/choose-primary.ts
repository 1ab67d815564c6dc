import { isRefusedByDatabase, toApiError } from '../errors/api-error.ts'
import { StartupError } from '../errors/startup-error.ts'
import { isSameServer, type KnownPrimary, type ServerFacts, whyNotPrimary } from './server-facts.ts'

/** What became of the question to one address: facts about its server, or an error. */
export interface Answer<P> {
  readonly place: P
  readonly server?: ServerFacts
  readonly error?: Error
}

/** The primary among the answers; why there is none; and what the administrator must know in any case. */
export interface Choice<P> {
  readonly primary?: { readonly place: P; readonly server: ServerFacts }
  /** The sentence for the log and for the start. */
  readonly problem?: string
  /** Set if waiting cannot help. */
  readonly mistake?: Error
}

type Named = { readonly name: string }
type Answered<P> = { readonly place: P; readonly server: ServerFacts }

/**
 * Chooses the primary: the writable server on the highest timeline. It chooses none if two servers are writable on
 * this timeline, because nobody can tell which of them the standbys follow.
 */
export function choosePrimary<P extends Named>(
  answers: readonly Answer<P>[],
  known: KnownPrimary | undefined,
): Choice<P> {
  const answered = answers.flatMap(({ place, server }) => (server === undefined ? [] : [{ place, server }]))
  const strangers = answered.find(({ server }) => server.cluster !== answered[0]?.server.cluster)
  if (known === undefined && strangers !== undefined) return mixed(answered)
  const writable = answered.filter(({ server }) => whyNotPrimary(server, known) === undefined)
  const newest = Math.max(...writable.map(({ server }) => server.timeline ?? 0))
  const [first, ...others] = writable.filter(({ server }) => server.timeline === newest)
  if (first === undefined) return none(answers, known)
  const twin = others.find(({ server }) => !isSameServer(server, first.server))
  if (twin !== undefined) {
    const problem = `${first.place.name} and ${twin.place.name} both take writes on timeline ${newest}: stop one of them`
    return { problem }
  }
  const now = { cluster: first.server.cluster, timeline: newest }
  // A standby does no harm. A stranger would, and so would an old primary that nobody has stopped.
  const harmful = answered.filter(({ server }) => server.cluster !== now.cluster || !server.isReadOnly)
  const problems = harmful.flatMap(({ place, server }) => {
    const why = whyNotPrimary(server, now)
    return why === undefined ? [] : [`${place.name} ${why}`]
  })
  return problems.length === 0 ? { primary: first } : { primary: first, problem: problems.join('; ') }
}

/** Refuses hosts of different clusters. Which of them is meant, only the administrator knows. */
function mixed<P extends Named>(answered: readonly Answered<P>[]): Choice<P> {
  const list = answered.map(({ place, server }) => `${place.name} to ${server.cluster}`).join(', ')
  const problem = `The hosts in DATABASE_URL belong to different clusters: name servers of one cluster only (${list})`
  return { problem, mistake: new StartupError(problem) }
}

function none<P extends Named>(answers: readonly Answer<P>[], known: KnownPrimary | undefined): Choice<P> {
  const each = answers.map(({ place, server, error }) => {
    if (server !== undefined) return `${place.name} ${whyNotPrimary(server, known)}`
    return `${place.name}: ${error?.message ?? 'no answer'}`
  })
  const problem = `No host in DATABASE_URL is a primary that takes writes: ${each.join('; ')}`
  const spoke = answers.filter(({ server, error }) => server !== undefined || !isPassing(error))
  const mistake = spoke.every(({ server }) => server === undefined) ? spoke[0]?.error : undefined
  return mistake === undefined ? { problem } : { problem, mistake }
}

/** Returns whether a host gave no answer that a person must correct, such as a wrong password. */
function isPassing(error: Error | undefined): boolean {
  if (error === undefined) return true
  if (error instanceof StartupError) return false
  return toApiError(error).reason === 'UNAVAILABLE' && !isRefusedByDatabase(error)
}
