import { lstat, unlink } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { StartupError } from '../platform/errors/startup-error.ts'

/**
 * Makes way for a unix socket: removes what a server that is gone has left. Throws StartupError when a server listens there, or
 * when the path is something else.
 */
export async function clearSocketPath(path: string): Promise<void> {
  const found = await lstat(path).catch(ignoreMissing)
  if (found === undefined) return
  if (!found.isSocket()) throw new StartupError(`AUTH4AGENT_INTERNAL_SOCKET: ${path} exists and is no socket.`)
  const problem = await connect(path)
  if (problem === undefined) {
    throw new StartupError(`AUTH4AGENT_INTERNAL_SOCKET: a server listens at ${path} already.`)
  }
  if (problem !== 'ECONNREFUSED' && problem !== 'ENOENT') {
    throw new StartupError(`AUTH4AGENT_INTERNAL_SOCKET: ${path} is in use, or cannot be: ${problem}.`)
  }
  await unlink(path).catch(ignoreMissing)
}

/** The code of what goes wrong; undefined when somebody answers. */
function connect(path: string): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = createConnection(path)
  socket.once('connect', () => resolve(undefined))
  socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'unknown'))
  return promise.finally(() => socket.destroy())
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
