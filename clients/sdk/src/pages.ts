import { type Answer, readAnswer, readAnswers, type Shape } from './answers.ts'
import type { AssertedCall, Caller } from './caller.ts'

/**
 * Yields the items of all pages of a list. Requests each page when it is needed.
 *
 * @param member the member of an answer that has the list; by default the answer is the list
 */
export async function* items<S extends Shape>(
  caller: Caller,
  party: string,
  shape: S,
  call: AssertedCall,
  member?: string,
): AsyncGenerator<Answer<S>, void, undefined> {
  let token: string | undefined
  do {
    const query = new URLSearchParams(call.query)
    if (token !== undefined) query.set('page_token', token)
    const page = await caller.page(party, { ...call, query })
    yield* readAnswers(shape, member === undefined ? page.json : readAnswer({ [member]: 'any' }, page.json)[member])
    // Stops if the server names the same page again, because the list would never end.
    token = page.next === token ? undefined : page.next
  } while (token !== undefined)
}

/** Makes a query from the filters that are set. */
export function queryOf(filters: Readonly<Record<string, string | number | undefined>>): URLSearchParams {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(filters)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query
}
