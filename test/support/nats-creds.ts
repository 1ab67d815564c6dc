import { createHash, randomUUID } from 'node:crypto'
import { nkeys } from '@nats-io/transport-node'

type KeyPair = ReturnType<typeof nkeys.createUser>

/** A user of NATS's decentralised authentication, with its account and its NATS operator. */
export interface NatsUser {
  /** Lines for the configuration of a server that admits only this user. */
  readonly config: string
  /** The content of a creds file. */
  readonly creds: string
}

/** Creates a user with fresh keys. */
export function createNatsUser(): NatsUser {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()]
  const unlimited = { subs: -1, data: -1, payload: -1 }
  const limits = { ...unlimited, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true }
  const operatorJwt = sign(operator, operator, 'operator', {})
  const accountJwt = sign(operator, account, 'account', { limits })
  const userJwt = sign(account, user, 'user', { ...unlimited, pub: {}, sub: {} })
  const accountId = account.getPublicKey()
  return {
    config: `operator: "${operatorJwt}"\nresolver: MEMORY\nresolver_preload: { ${accountId}: "${accountJwt}" }`,
    creds: [
      '-----BEGIN NATS USER JWT-----',
      userJwt,
      '------END NATS USER JWT------',
      '-----BEGIN USER NKEY SEED-----',
      new TextDecoder().decode(user.getSeed()),
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  }
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function sign(issuer: KeyPair, subject: KeyPair, type: string, nats: object): string {
  const claims = {
    jti: createHash('sha256').update(randomUUID()).digest('hex'),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: type,
    nats: { ...nats, type, version: 2 },
  }
  const signed = `${encode({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encode(claims)}`
  return `${signed}.${Buffer.from(issuer.sign(Buffer.from(signed))).toString('base64url')}`
}
