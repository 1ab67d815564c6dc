import { lstat, unlink } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { StartupError } from '../platform/errors/startup-error.ts'

/**
 * Removes the unix socket that a dead server has left at a path. Throws StartupError if a server listens there, or if
 * the path is not a socket.
 */
export async function clearSocketPath(path: string): Promise<void> {
  const found = await lstat(path).catch(ignoreMissing)
  if (found === undefined) return
  if (!found.isSocket())
    throw new StartupError(`AUTH4AGENT_INTERNAL_SOCKET must be a free path or a socket, but ${path} is something else`)
  const problem = await connect(path)
  if (problem === undefined) {
    throw new StartupError(`AUTH4AGENT_INTERNAL_SOCKET must be a free path, but a server listens at ${path} already`)
  }
  if (problem !== 'ECONNREFUSED' && problem !== 'ENOENT') {
    throw new StartupError(`AUTH4AGENT_INTERNAL_SOCKET cannot be ${path}: connecting to it fails with ${problem}`)
  }
  await unlink(path).catch(ignoreMissing)
}

/** Resolves with the error code of a connection attempt, or undefined if a server answers. */
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
