import { createHash } from 'node:crypto'
import { type OperatorIdentity, operatorId } from '@auth4agent/core/identity/operator-id'
import { thumbprint } from '@auth4agent/core/jose/thumbprint'
import { DOMAIN, describe, ISSUER, OTHER_DOMAIN, OTHER_ROOT_KEY, ROOT_KEY } from './parties.ts'

const THUMBPRINT = thumbprint(ROOT_KEY.publicKey)

/** Makes operator ids, and the bytes whose hash they contain. */
export function makeOperators(): object {
  return {
    description: describe(
      'Operator ids: UUIDv8 of SHA-256 over the UTF-8 JSON array [issuer, domain, thumbprint] without white space.',
    ),
    operators: [
      operator('the operator of the other files', { issuer: ISSUER, domain: DOMAIN, thumbprint: THUMBPRINT }),
      operator('the other operator of the other files', {
        issuer: ISSUER,
        domain: OTHER_DOMAIN,
        thumbprint: thumbprint(OTHER_ROOT_KEY.publicKey),
      }),
      operator('another issuer gives another id', {
        issuer: 'https://auth.example.org',
        domain: DOMAIN,
        thumbprint: THUMBPRINT,
      }),
      operator('an issuer with a path', { issuer: `${ISSUER}/tenant`, domain: DOMAIN, thumbprint: THUMBPRINT }),
      operator('an issuer on loopback with a port', {
        issuer: 'http://localhost:8080',
        domain: 'acme.test',
        thumbprint: THUMBPRINT,
      }),
      operator('a domain in A-labels', {
        issuer: ISSUER,
        domain: 'xn--bcher-kva.example.com',
        thumbprint: THUMBPRINT,
      }),
    ],
  }
}

function operator(name: string, identity: OperatorIdentity): object {
  const { issuer, domain } = identity
  const preimage = JSON.stringify([issuer, domain, identity.thumbprint])
  return {
    name,
    ...identity,
    expect: {
      preimage,
      preimage_hex: Buffer.from(preimage).toString('hex'),
      sha256_hex: createHash('sha256').update(preimage).digest('hex'),
      operator_id: operatorId(identity),
    },
  }
}
