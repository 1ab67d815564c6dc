/**
 * An independent verifier: jose with its remote key set and its default options, in its own process. Its wall clock
 * runs fast, so the minutes for which jose keeps a key set pass in seconds. The arguments of this program are the URL
 * of the JWKS and the factor by which the clock runs fast.
 */
import { subscribe } from 'node:diagnostics_channel'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { DEMANDS } from './caching-verifier.ts'
import type { JoseAnswer, JoseRequest } from './jose-verifier.ts'

const [, , url = '', rate] = process.argv
const wall = Date.now.bind(Date)
const start = wall()
// jose checks the times in tokens with `new Date`, which this does not change.
Date.now = () => start + (wall() - start) * Number(rate)

let fetches = 0
subscribe('undici:request:create', () => {
  fetches += 1
})
const keys = createRemoteJWKSet(new URL(url))

const answer = ({ id }: JoseRequest, problem?: string): void => {
  const message: JoseAnswer = { id, problem, fetches }
  process.send?.(message)
}
process.on('message', (request: JoseRequest) => {
  jwtVerify(request.token, keys, DEMANDS).then(
    () => answer(request),
    (error: unknown) => answer(request, String(error)),
  )
})
process.once('disconnect', () => process.exit())
