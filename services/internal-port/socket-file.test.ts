import { once } from 'node:events'
import { link, readdir, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { CAUSE } from '../../test/support/cause.ts'
import { connectTo, startInternalListener, testFolder } from '../../test/support/internal-listener.ts'
import { StartupError } from '../platform/errors/startup-error.ts'
import { clearSocketPath } from './socket-file.ts'

const lookup = { by: { case: 'id' as const, value: 'a' } }

it('the internal unix socket has mode 0600, serves calls, and is removed by its server', async () => {
  const folder = await testFolder()
  const socket = join(folder, 'a.sock')
  const { address, close, seen } = await startInternalListener({ place: { socket } })
  expect(address).toBe(`unix:${socket}`)
  expect((await stat(socket)).mode & 0o777).toBe(0o600)
  await connectTo([address]).operators.lookupOperator(lookup, CAUSE)
  expect(seen).toEqual(['a'])
  await close()
  expect(await readdir(folder)).toEqual([])
})

it('clearSocketPath refuses a socket where a server listens', async () => {
  const socket = join(await testFolder(), 'a.sock')
  const { seen, address } = await startInternalListener({ place: { socket } })
  await expect(startInternalListener({ place: { socket } })).rejects.toThrow(`a server listens at ${socket} already`)
  await connectTo([address]).operators.lookupOperator(lookup, CAUSE)
  expect(seen).toEqual(['a'])
})

it('clearSocketPath removes the socket of a dead server', async () => {
  const folder = await testFolder()
  const socket = join(folder, 'a.sock')
  await leaveSocket(folder, socket)
  const { address } = await startInternalListener({ place: { socket } })
  expect((await connectTo([address]).operators.lookupOperator(lookup, CAUSE)).operator?.id).toBe('a')
})

it('clearSocketPath refuses a file that is not a socket, and keeps it', async () => {
  const file = join(await testFolder(), 'a.sock')
  await writeFile(file, 'mine')
  await expect(clearSocketPath(file)).rejects.toThrow(StartupError)
  expect((await stat(file)).size).toBe(4)
})

it('clearSocketPath resolves if there is no file', async () => {
  await clearSocketPath(join(await testFolder(), 'none'))
})

/** Makes a socket file without a listener: the server listened under another name, and removed only that name. */
async function leaveSocket(folder: string, path: string): Promise<void> {
  const first = join(folder, 'first.sock')
  const server = createServer().listen(first)
  await once(server, 'listening')
  await link(first, path)
  server.close()
  await once(server, 'close')
}
