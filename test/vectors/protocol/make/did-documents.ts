import { encodeBase64 } from '@auth4agent/core/encoding/base64'
import { encodeMultikey } from '@auth4agent/core/encoding/multibase'
import { buildDidDocument, type DidSubject } from '@auth4agent/core/identity/did-document'
import { AGENT_KEY, DID, describe, OTHER_AGENT_KEY, OTHER_DID } from './parties.ts'

const PUBLIC_KEY = encodeBase64(AGENT_KEY.publicKey)

/** Makes DID documents that the server serves, and DID documents that it accepts or refuses at registration. */
export function makeDidDocuments(): object {
  return {
    description: describe(
      'DID documents. `served`: documents that the server serves.',
      '`received`: documents in a registration, which the server accepts or refuses.',
    ),
    served: [served('pending', 200), served('active', 200), served('suspended', 200), served('revoked', 410)],
    received: received(),
  }
}

function served(status: DidSubject['status'], didResolutionStatus: number): object {
  return {
    name: `an agent that is ${status}`,
    did: DID,
    public_key: PUBLIC_KEY,
    status,
    expect: {
      document: buildDidDocument({ did: DID, status, publicKey: AGENT_KEY.publicKey }),
      http_status_as_did_json: didResolutionStatus,
    },
  }
}

const withMethod = (publicKeyMultibase: unknown) => ({ id: DID, verificationMethod: [{ publicKeyMultibase }] })

function received(): object[] {
  const good = buildDidDocument({ did: DID, status: 'active', publicKey: AGENT_KEY.publicKey })
  const judged = (name: string, document: object, expect: unknown) => ({
    name,
    did: DID,
    public_key: PUBLIC_KEY,
    document,
    expect,
  })
  const accepted = (name: string, document: object) => judged(name, document, 'accepted')
  const refused = (name: string, document: object) => judged(name, document, { refused: 'INVALID_ARGUMENT' })
  return [
    accepted('a document with a Multikey', good),
    accepted('a version-1 document: plain base64 in publicKeyMultibase', {
      '@context': ['https://www.w3.org/ns/did/v1'],
      id: DID,
      verificationMethod: [
        { id: `${DID}#key-1`, type: 'Ed25519VerificationKey2020', controller: DID, publicKeyMultibase: PUBLIC_KEY },
      ],
      authentication: [`${DID}#key-1`],
    }),
    accepted('no key in the document', { id: DID }),
    accepted('no methods in the document', { id: DID, verificationMethod: [] }),
    accepted('no id in the document', { verificationMethod: good.verificationMethod }),
    accepted('an empty document', {}),
    refused('the id of another agent', { ...good, id: OTHER_DID }),
    refused('the key of another agent', withMethod(encodeMultikey(OTHER_AGENT_KEY.publicKey))),
    refused('the key of another agent in base64', withMethod(encodeBase64(OTHER_AGENT_KEY.publicKey))),
    refused('a text that is not a key', withMethod('zzz')),
    refused('a key that is a number', withMethod(1)),
    refused('verificationMethod is an object', { id: DID, verificationMethod: good.verificationMethod[0] }),
    refused('verificationMethod contains a string', { id: DID, verificationMethod: [`${DID}#key-1`] }),
  ]
}
