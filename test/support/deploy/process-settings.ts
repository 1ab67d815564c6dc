import { type Config, ConfigError, readConfig } from '../../../services/configuration/config.ts'
import { ADDRESSES, parseServices } from '../../../services/configuration/service-names.ts'
import { StartupError } from '../../../services/platform/errors/startup-error.ts'

/** A process of Auth4Agent, as a manifest starts it. */
export interface Process {
  readonly name: string
  /** The arguments: the parts that the process runs. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Tells whether the manifest puts a file into the container. */
  readonly hasFile: (path: string) => boolean
  /** The time between SIGTERM and SIGKILL, in seconds. */
  readonly graceS: number
  /** The ports in the manifest; undefined if it does not list any. */
  readonly ports: readonly number[] | undefined
}

/** Returns the parts that listen at a host and port; undefined if none listens there. */
export type Listening = (host: string, port: number) => readonly string[] | undefined

/** Seconds between the end of the last request and the end of a process, for closing listeners and connections. */
const CLOSING_S = 10

/** Lists settings that the server would refuse, and settings that do not fit the rest of the manifest. */
export function processProblems(process: Process, listening: Listening): readonly string[] {
  const config = readSettings(process)
  if (typeof config === 'string') return [`${process.name}: ${config}`]
  return [
    ...addressProblems(config, listening),
    ...fileProblems(process),
    ...portProblems(process, config),
    ...graceProblems(process, config),
  ].map((problem) => `${process.name}: ${problem}`)
}

function readSettings({ args, env }: Process): Config | string {
  try {
    return readConfig(env, '/nowhere', parseServices(args))
  } catch (error) {
    if (error instanceof ConfigError || error instanceof StartupError) return error.message
    throw error
  }
}

function addressProblems({ addresses, natsUrl }: Config, listening: Listening): string[] {
  const services = Object.entries(addresses).flatMap(([service, list = []]) =>
    list
      .filter((address) => {
        const [host = '', port] = address.split(':')
        return listening(host, Number(port))?.includes(service) !== true
      })
      .map((address) => `${ADDRESSES[service as keyof typeof ADDRESSES]}: no ${service} listens at ${address}`),
  )
  const servers = natsUrl
    .map((url) => new URL(url))
    .filter(({ hostname, port }) => listening(hostname, Number(port))?.includes('nats') !== true)
  return [...services, ...servers.map(({ host }) => `NATS_URL: no NATS listens at ${host}`)]
}

function fileProblems({ env, hasFile }: Process): string[] {
  return Object.entries(env)
    .filter(([name, path]) => name.endsWith('_FILE') && !hasFile(path))
    .map(([name, path]) => `${name}: nothing puts ${path} into the container`)
}

function portProblems({ ports }: Process, { port, grpcPort, internalPort, services }: Config): string[] {
  const expected = services.includes('jwks-gateway') ? [port, grpcPort, internalPort] : [port, internalPort]
  if (ports === undefined) return []
  const isSame = ports.length === expected.length && expected.every((number) => ports.includes(Number(number)))
  return isSame ? [] : [`it listens on ${expected.join(', ')}, but the manifest says ${ports.join(', ')}`]
}

function graceProblems({ graceS }: Process, { drainDelayMs, requestTimeoutMs }: Config): string[] {
  const neededS = (drainDelayMs + requestTimeoutMs) / 1000 + CLOSING_S
  return graceS >= neededS ? [] : [`it needs ${neededS} s to stop, but gets ${graceS}`]
}

/** The DNS names of each certificate. */
export type Certificates = ReadonlyMap<string, readonly string[]>

/** Reads the certificates that make-certificates.sh creates without arguments. */
export function readCertificates(script: string): Certificates {
  const [, list = ''] = /set -- ((?:.*\\\n)*.*)/.exec(script) ?? []
  const entries = list.matchAll(/(\S+)=(\S+)/g)
  return new Map([...entries].map(([, name = '', names = '']) => [name, names.split(',')]))
}

/** Reports a certificate that is missing, or whose names differ from the parts that its process runs. */
export function certificateProblems(certificates: Certificates, name: string, args: readonly string[]): string[] {
  const names = certificates.get(name)
  if (names === undefined) return [`${name}: make-certificates.sh does not create its certificate`]
  const isSame = names.length === args.length && args.every((service) => names.includes(service))
  return isSame ? [] : [`${name}: its certificate names ${names.join(', ')} but its process runs ${args.join(', ')}`]
}
