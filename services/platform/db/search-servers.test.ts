import { once } from 'node:events'
import { chown, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { expect, inject, it, onTestFinished } from 'vitest'
import { certificate } from '../../../test/support/certificate.ts'
import { createDataFolder } from '../../../test/support/data-folder.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { clusterUrl, createCluster, startPostgres } from '../../../test/support/postgres-cluster.ts'
import { ensureDatabase } from '../../embedded-postgres/cluster.ts'
import { parseDatabaseUrl } from './database-url.ts'
import { configFor, createSearch, findPlaces, type Place } from './search-servers.ts'

function placeOf(url: string, address?: string): Place {
  const [host] = parseDatabaseUrl(url).hosts
  if (host === undefined) throw new Error('The URL has no host')
  return { host, address, name: host.name }
}

it('a search waits for a silent server once, and from then on only for the others', async () => {
  const port = await freePort()
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.resume().on('error', () => undefined))).listen(
    port,
    '127.0.0.1',
  )
  onTestFinished(() => void server.close())
  const places = [placeOf(`postgresql://u@127.0.0.1:${port}/db`), placeOf(inject('postgresUrl'))]
  const search = createSearch()
  expect(await search(places)).toMatchObject([
    { error: { message: 'no answer within 1 s' } },
    { server: { isStandby: false, timeline: 1 } },
  ])
  const asked = once(server, 'connection')
  expect(await search(places)).toMatchObject([
    { error: { message: 'no answer within 1 s' } },
    { server: { isStandby: false } },
  ])
  await asked
  // The server is still being asked, and a third search does not wait for it either.
  expect(await search(places)).toMatchObject([
    { error: { message: 'no answer within 1 s' } },
    { server: { isStandby: false } },
  ])
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, false])
})

it('a server that is no longer silent counts again in the search after its answer', async () => {
  const port = await freePort()
  const url = Object.assign(new URL(inject('postgresUrl')), { port: String(port), search: '' }).href
  const silent = createServer((socket) => socket.on('error', () => undefined)).listen(port, '127.0.0.1')
  const search = createSearch()
  expect(await search([placeOf(url)])).toMatchObject([{ error: { name: 'SilentError' } }])
  silent.close()
  await expect.poll(() => search([placeOf(url)])).toMatchObject([{ error: { code: 'ECONNREFUSED' } }])
})

it('a name with several addresses has a place for each, and other hosts have one', async () => {
  const { hosts } = parseDatabaseUrl('postgresql://127.0.0.1,[::1]:5433,many:5434,one,unknown,silent/db')
  const known: Readonly<Record<string, readonly string[]>> = {
    many: ['192.0.2.1', '2001:db8::1', '192.0.2.1'],
    one: ['192.0.2.2'],
  }
  const places = await findPlaces(hosts, async (name) => {
    if (name === 'silent') await new Promise(() => undefined)
    const addresses = known[name]
    if (addresses === undefined) throw new Error('getaddrinfo ENOTFOUND')
    return addresses.map((address) => ({ address }))
  })
  expect(places.map(({ name, address }) => [name, address])).toEqual([
    ['127.0.0.1', undefined],
    ['[::1]:5433', undefined],
    ['many:5434 (192.0.2.1)', '192.0.2.1'],
    ['many:5434 (2001:db8::1)', '2001:db8::1'],
    ['one', undefined],
    ['unknown', undefined],
    ['silent', undefined],
  ])
})

it('a connection to an address of a name checks the name in the certificate, and looks nothing up', async () => {
  const data = await createDataFolder()
  onTestFinished(() => data.remove())
  const cluster = await createCluster(data.path)
  const files = { cert: join(cluster.folder, 'server.crt'), key: join(cluster.folder, 'server.key') }
  await writeFile(files.cert, certificate.cert)
  await writeFile(files.key, certificate.key, { mode: 0o600 })
  if (cluster.account !== undefined) {
    for (const file of Object.values(files)) await chown(file, cluster.account.uid, cluster.account.gid)
  }
  const port = await freePort()
  const server = await startPostgres(cluster, port, { ssl: 'on' })
  onTestFinished(() => server.end('SIGQUIT'))
  const url = clusterUrl(cluster, port)
  await ensureDatabase(url)
  const authority = join(data.path, 'authority.pem')
  await writeFile(authority, certificate.cert)
  const connect = async (name: string) => {
    const named = `${url.replace('127.0.0.1', name)}?sslmode=verify-full&sslrootcert=${authority}`
    const client = new pg.Client(configFor(placeOf(named, '127.0.0.1')))
    client.on('error', () => undefined)
    onTestFinished(() => client.end().catch(() => undefined))
    await client.connect()
    return (await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).rows
  }
  expect(await connect('localhost')).toEqual([{ ssl: true }])
  await expect(connect('other.invalid')).rejects.toThrow("Host: other.invalid. is not in the cert's altnames")
})
