import { StartupError } from '../../../services/platform/errors/startup-error.ts'
import { type Config, ConfigError, readConfig } from '../../../services/process/configuration/config.ts'
import { ADDRESSES, parseServices } from '../../../services/process/configuration/service-names.ts'

/** A process of Auth4Agent as a manifest starts it. */
export interface Process {
  readonly name: string
  /** The arguments: the services that it runs. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Whether the manifest puts a file into the container. */
  readonly hasFile: (path: string) => boolean
  /** How long it gets between SIGTERM and SIGKILL, in seconds. */
  readonly graceS: number
  /** The ports that the manifest says it has; undefined where it does not say. */
  readonly ports: readonly number[] | undefined
}

/** Which services listen at a host and port; undefined where nothing does. */
export type Listening = (host: string, port: number) => readonly string[] | undefined

/** Seconds between the end of the last request and the end of a process: listeners and connections close. */
const CLOSING_S = 10

/** What the server itself would say about a process's settings, and what of them does not fit what is around it. */
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
  return isSame ? [] : [`it listens on ${expected.join(', ')} and the manifest says ${ports.join(', ')}`]
}

function graceProblems({ graceS }: Process, { drainDelayMs, requestTimeoutMs }: Config): string[] {
  const neededS = (drainDelayMs + requestTimeoutMs) / 1000 + CLOSING_S
  return graceS >= neededS ? [] : [`it needs ${neededS} s to end and gets ${graceS}`]
}

/** DNS names by certificate. */
export type Certificates = ReadonlyMap<string, readonly string[]>

/** The certificates that make-certificates.sh makes when it is given no names. */
export function readCertificates(script: string): Certificates {
  const [, list = ''] = /set -- ((?:.*\\\n)*.*)/.exec(script) ?? []
  const entries = list.matchAll(/(\S+)=(\S+)/g)
  return new Map([...entries].map(([, name = '', names = '']) => [name, names.split(',')]))
}

/** Whether a certificate names exactly the services that its process runs. */
export function certificateProblems(certificates: Certificates, name: string, args: readonly string[]): string[] {
  const names = certificates.get(name)
  if (names === undefined) return [`${name}: make-certificates.sh makes no such certificate`]
  const isSame = names.length === args.length && args.every((service) => names.includes(service))
  return isSame ? [] : [`${name}: its certificate names ${names.join(', ')} and its process runs ${args.join(', ')}`]
}
