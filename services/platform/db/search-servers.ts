import { lookup } from 'node:dns/promises'
import { Socket } from 'node:net'
import pg from 'pg'
import type { Answer } from './choose-primary.ts'
import type { DatabaseHost } from './database-url.ts'
import { askServer } from './server-facts.ts'

/** Where a connection goes: to a host, at one of its addresses if its name has several ones. */
export interface Place {
  readonly host: DatabaseHost
  readonly address: string | undefined
  /** What messages call the place. It is unique. */
  readonly name: string
}

/** How long a server may take to answer, in milliseconds. */
const ANSWER_MS = 1_000
/** How long a look-up may take, in milliseconds. After that the driver looks up the name itself. */
const LOOK_UP_MS = 500
/** Bounds how many addresses of one name are asked, because DNS decides how many there are. */
const MAX_ADDRESSES = 16

/** Looks up all addresses of a name. */
type LookUp = (name: string) => Promise<readonly { readonly address: string }[]>

const lookUpAll: LookUp = (name) => lookup(name, { all: true })

/** Returns every place of the hosts. */
export async function findPlaces(hosts: readonly DatabaseHost[], lookUp = lookUpAll): Promise<readonly Place[]> {
  return (await Promise.all(hosts.map((host) => placesOf(host, lookUp)))).flat()
}

async function placesOf(host: DatabaseHost, lookUp: LookUp): Promise<readonly Place[]> {
  const byName: Place = { host, address: undefined, name: host.name }
  if (host.dnsName === undefined) return [byName]
  const found = await within(LOOK_UP_MS, lookUp(host.dnsName)).catch(() => [])
  const addresses = [...new Set(found.map(({ address }) => address))].slice(0, MAX_ADDRESSES)
  // A single address may change, so each connection looks it up.
  if (addresses.length < 2) return [byName]
  return addresses.map((address) => ({ host, address, name: `${host.name} (${address})` }))
}

/** Returns the part of the driver's configuration that leads a connection to a place. */
export function configFor({ host, address }: Place): pg.ClientConfig {
  if (address === undefined) return { connectionString: host.url }
  // TLS checks the name in the URL, so only the socket knows the address.
  return { connectionString: host.url, stream: () => socketTo(address) }
}

function socketTo(address: string): Socket {
  const socket = new Socket()
  const connect = socket.connect.bind(socket)
  return Object.assign(socket, { connect: (port: number) => connect({ port, host: address }) })
}

/**
 * Creates a function that asks the servers at all places at once. It waits up to one second for each, but not for a
 * server that was silent the last time, because a lost machine would delay every search by this second.
 */
export function createSearch(): (places: readonly Place[]) => Promise<readonly Answer<Place>[]> {
  const asking = new Map<string, Promise<Answer<Place>>>()
  const silent = new Set<string>()
  const ask = (place: Place): Promise<Answer<Place>> => {
    const { name } = place
    const earlier = asking.get(name)
    if (earlier !== undefined) return earlier
    const asked = askPlace(place).then((answer) => {
      asking.delete(name)
      if (answer.error instanceof SilentError) silent.add(name)
      else silent.delete(name)
      return answer
    })
    asking.set(name, asked)
    return asked
  }
  return (places) => {
    // The addresses of a name change, so forget those that are no longer asked.
    const names = new Set(places.map(({ name }) => name))
    for (const name of silent) if (!names.has(name)) silent.delete(name)
    const isSilent = new Set(silent)
    return Promise.all(
      places.map((place) => {
        const asked = ask(place)
        return isSilent.has(place.name) ? Promise.resolve({ place, error: new SilentError() }) : asked
      }),
    )
  }
}

/** Says that a server did not answer in time. */
class SilentError extends Error {
  override readonly name = 'SilentError'
  readonly code = 'ETIMEDOUT'

  constructor() {
    super(`no answer within ${ANSWER_MS / 1000} s`)
  }
}

async function askPlace(place: Place): Promise<Answer<Place>> {
  const client = new pg.Client({ ...configFor(place), application_name: 'auth4agent-find' })
  // The pending call reports the error.
  client.on('error', () => undefined)
  const asked = client.connect().then(() => askServer(client))
  try {
    const server = await within(ANSWER_MS, asked)
    client.end().catch(() => undefined)
    return { place, server }
  } catch (error) {
    client.connection.stream.destroy()
    return { place, error: error instanceof Error ? error : new Error(String(error)) }
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new SilentError()), ms).unref()
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
    work.catch(() => undefined)
  }
}
