import { isIP } from 'node:net'
import { ADDRESSES, isSplit, remoteServices } from './service-names.ts'
import { type Config, DEFAULT_TOKEN_TTL, type Values } from './settings.ts'

/** Whether the configuration breaks a rule, and the sentence that describes the mistake. */
type Rule = readonly [isBroken: boolean, sentence: string]

/** Returns one sentence for each conflict between settings that are valid on their own. */
export function findConflicts(config: Config): string[] {
  const rules = [
    ...listenerRules(config),
    ...secretRules(config),
    ...pkcs11Rules(config),
    ...splitRules(config),
    ...databaseRules(config),
    ...busRules(config),
    ...traceRules(config),
  ]
  return rules.filter(([isBroken]) => isBroken).map(([, sentence]) => sentence)
}

function listenerRules(config: Config): readonly Rule[] {
  const { baseUrl, host, tlsCertFile, tlsKeyFile, tokenTtl, maxTokenTtl } = config
  const hasGateway = config.services.includes('jwks-gateway')
  return [
    [
      (tlsCertFile === undefined) !== (tlsKeyFile === undefined),
      'AUTH4AGENT_TLS_CERT_FILE and AUTH4AGENT_TLS_KEY_FILE must be set together',
    ],
    [
      tlsCertFile === undefined && !isLoopback(host) && !config.allowPlainHttp,
      `AUTH4AGENT_HOST must be loopback, not ${host}, unless AUTH4AGENT_TLS_CERT_FILE and AUTH4AGENT_TLS_KEY_FILE are set, or AUTH4AGENT_ALLOW_PLAIN_HTTP=true behind a proxy that terminates TLS`,
    ],
    [
      baseUrl.startsWith('http:') && !isLoopback(new URL(baseUrl).hostname),
      'AUTH4AGENT_BASE_URL must be https unless its host is loopback',
    ],
    [hasGateway && config.port !== 0 && config.port === config.grpcPort, 'PORT and AUTH4AGENT_GRPC_PORT must differ'],
    [
      tokenTtl > maxTokenTtl,
      tokenTtl === DEFAULT_TOKEN_TTL
        ? 'AUTH4AGENT_MAX_TOKEN_TTL is shorter than 15m, the default of AUTH4AGENT_TOKEN_TTL: set AUTH4AGENT_TOKEN_TTL too'
        : 'AUTH4AGENT_TOKEN_TTL must not exceed AUTH4AGENT_MAX_TOKEN_TTL',
    ],
  ]
}

function secretRules({ services, databaseUrl, kek, kekFile }: Config): readonly Rule[] {
  const isApart = isSplit(services)
  return [
    [
      databaseUrl === undefined && isApart,
      'DATABASE_URL must be set when services run in separate processes: the embedded database serves only one process that runs all services',
    ],
    [
      (databaseUrl !== undefined || isApart) &&
        services.includes('authn') &&
        kek === undefined &&
        kekFile === undefined,
      'AUTH4AGENT_KEK or AUTH4AGENT_KEK_FILE must be set with DATABASE_URL: this key seals the signing keys in the database',
    ],
    [kek !== undefined && kekFile !== undefined, 'AUTH4AGENT_KEK and AUTH4AGENT_KEK_FILE must not both be set'],
  ]
}

function pkcs11Rules({ pkcs11Module, pkcs11Token, pkcs11Pin, pkcs11PinFile }: Config): readonly Rule[] {
  const parts = [pkcs11Module, pkcs11Token, pkcs11Pin ?? pkcs11PinFile]
  const given = parts.filter((part) => part !== undefined).length
  const pins = ['AUTH4AGENT_PKCS11_PIN', 'AUTH4AGENT_PKCS11_PIN_FILE'] as const
  return [
    [
      given !== 0 && given !== parts.length,
      `AUTH4AGENT_PKCS11_MODULE, AUTH4AGENT_PKCS11_TOKEN and either ${pins.join(' or ')} must be set together`,
    ],
    [pkcs11Pin !== undefined && pkcs11PinFile !== undefined, `${pins.join(' and ')} must not both be set`],
  ]
}

function splitRules(config: Config): readonly Rule[] {
  const { services, internalHost, internalPort, internalSocket, internalTls } = config
  const { cert, key, ca } = internalTls
  const given = [cert, key, ca].filter((file) => file !== undefined).length
  const files =
    'AUTH4AGENT_INTERNAL_TLS_CERT_FILE, AUTH4AGENT_INTERNAL_TLS_KEY_FILE and AUTH4AGENT_INTERNAL_TLS_CA_FILE'
  const needed = isSplit(services) ? remoteServices(services) : []
  const hasGateway = services.includes('jwks-gateway')
  const hasPort = isSplit(services) && internalSocket === undefined && internalPort !== undefined && internalPort !== 0
  return [
    [given !== 0 && given !== 3, `${files} must be set together`],
    [
      given === 0 && internalSocket === undefined && !isLoopback(internalHost),
      `AUTH4AGENT_INTERNAL_HOST must be loopback, not ${internalHost}, unless ${files} are set`,
    ],
    [
      internalSocket !== undefined && internalPort !== undefined,
      'AUTH4AGENT_INTERNAL_SOCKET and AUTH4AGENT_INTERNAL_PORT must not both be set',
    ],
    [
      internalSocket !== undefined && config.workers > 1,
      'AUTH4AGENT_WORKERS must be 1 with AUTH4AGENT_INTERNAL_SOCKET; for more workers set AUTH4AGENT_INTERNAL_PORT instead',
    ],
    [hasPort && internalPort === config.port, 'PORT and AUTH4AGENT_INTERNAL_PORT must differ'],
    [
      hasPort && hasGateway && internalPort === config.grpcPort,
      'AUTH4AGENT_GRPC_PORT and AUTH4AGENT_INTERNAL_PORT must differ',
    ],
    ...needed.map((name): Rule => {
      const isMissing = config.addresses[name] === undefined
      const reason = `because this process (${services.join(', ')}) calls it`
      return [isMissing, `${ADDRESSES[name]} must be set to the addresses of the ${name} service, ${reason}`]
    }),
    ...needed.map((name): Rule => {
      const outside = config.addresses[name]?.find((address) => !isLocalAddress(address))
      const sentence = `${ADDRESSES[name]} must contain only addresses of this machine unless ${files} are set`
      return [given === 0 && outside !== undefined, sentence]
    }),
  ]
}

function databaseRules({ databaseUrl, durability }: Config): readonly Rule[] {
  return [
    [
      databaseUrl === undefined && durability !== 'single',
      `AUTH4AGENT_DURABILITY=${durability} needs DATABASE_URL, because the embedded PostgreSQL is on one machine`,
    ],
  ]
}

function busRules(config: Config): readonly Rule[] {
  const { revocationLeaseMs = 0, requestTimeoutMs } = config
  const { natsUrl, natsCredsFile, natsTlsCaFile, natsTlsCertFile, natsTlsKeyFile } = config
  const others = [natsCredsFile, natsTlsCaFile, natsTlsCertFile, natsTlsKeyFile]
  return [
    [
      (natsTlsCertFile === undefined) !== (natsTlsKeyFile === undefined),
      'AUTH4AGENT_NATS_TLS_CERT_FILE and AUTH4AGENT_NATS_TLS_KEY_FILE must be set together',
    ],
    [
      revocationLeaseMs >= requestTimeoutMs,
      'AUTH4AGENT_REVOCATION_LEASE must be shorter than AUTH4AGENT_REQUEST_TIMEOUT: a revocation may have to wait for a lease',
    ],
    [
      natsUrl.length === 0 && others.some((file) => file !== undefined),
      'NATS_URL must be set when another NATS setting is set',
    ],
  ]
}

function traceRules({ traces, traceOutbound }: Config): readonly Rule[] {
  return [
    [
      traces === undefined && traceOutbound.length > 0,
      'OTEL_EXPORTER_OTLP_ENDPOINT must be set when AUTH4AGENT_TRACE_OUTBOUND is set',
    ],
  ]
}

/**
 * Returns whether names under `.test` may be confirmed without DNS. Only a server that other machines cannot reach and
 * that has its own embedded database may do so.
 */
export function isTryOut({ databaseUrl, host, baseUrl, trustedProxies }: Values): boolean {
  const isLocal = isLoopback(host) && isLoopback(new URL(baseUrl).hostname) && trustedProxies.length === 0
  return databaseUrl === undefined && isLocal
}

function isLocalAddress(address: string): boolean {
  return address.startsWith('unix:') || isLoopback(address.replace(/:\d+$/, ''))
}

function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[|\]$/g, '')
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'))
}
