/**
 * Rotates the key of an agent once, and prints the result and the number of steps. Kills itself at a step: before or
 * after a change of the disk, or around the request that appends the event. Its argument is JSON of {@link Task}.
 */
import { createAgent } from '@auth4agent/sdk'
import { keyFileStore } from '../../../clients/sdk/src/node/key-file-store.ts'
import { durableFilesWith } from '../../../clients/sdk/src/node/key-files.ts'

/** What the program does. */
export interface Task {
  readonly server: string
  readonly did: string
  readonly path: string
  /** The step at which the program kills itself, from 1. */
  readonly stopAt?: number
  /** How many answers to the event are lost. */
  readonly lostAnswers?: number
}

const task: Task = JSON.parse(process.argv[2] ?? '')
let steps = 0
let lost = 0

function step(): void {
  steps += 1
  if (steps === task.stopAt) process.kill(process.pid, 'SIGKILL')
}

const agent = createAgent({
  server: task.server,
  did: task.did,
  key: keyFileStore(task.path, {}, durableFilesWith(step)),
  async fetch(input, init) {
    const isEvent =
      init?.method === 'POST' && new URL(input instanceof Request ? input.url : input).pathname.endsWith('/events')
    if (!isEvent) return fetch(input, init)
    step()
    const response = await fetch(input, init)
    step()
    lost += 1
    if (lost <= (task.lostAnswers ?? 0)) throw new TypeError('The answer is lost')
    return response
  },
})
const rotated = await agent.rotateKey().catch((error: unknown) => ({ error: String(error) }))
// An agent gets tokens, whatever happened to the rotation.
const { jti } = await agent.issued()
process.stdout.write(JSON.stringify({ steps, jti, ...rotated }))
