import type { Requirement } from '../support/requirement.ts'
import { clientDocument, fetchedDocument, keptDocument, metadata, redirectMatch } from '../support/tests-of.ts'

/** The draft OAuth Client ID Metadata Document, revision 01. */
export const clientIdMetadata: readonly Requirement[] = [
  {
    section: '4.1',
    requirement: 'The client_id in the document must equal its URL, compared as texts',
    tests: fetchedDocument('refuses a document with another client_id with CLIENT_NOT_ACCEPTED, and asks once'),
  },
  {
    section: '4.1',
    requirement: 'The document must have no shared secret and no symmetric key',
    tests: clientDocument('refuses a document with a client secret', 'refuses a document with a symmetric key'),
  },
  {
    section: '4',
    requirement: 'The document has status 200 and a JSON type, and the server follows no redirect',
    tests: fetchedDocument(
      'refuses a document behind a redirect with CLIENT_NOT_ACCEPTED, and asks once',
      'refuses a document with a status other than 200 with CLIENT_NOT_ACCEPTED, and asks once',
      'refuses a document of another media type with CLIENT_NOT_ACCEPTED, and asks once',
    ),
  },
  {
    section: '4.3',
    requirement: 'If the document cannot be read, the server refuses the request',
    tests: fetchedDocument('refuses a document %s with %s, and asks once'),
  },
  {
    section: '4.4',
    requirement: 'The server may keep a document within its own limits, and must not keep a failure',
    tests: [...keptDocument('uses a copy for %s', 'keeps no failure, and uses no old copy because of one')],
  },
  {
    section: '5',
    requirement: 'The metadata has client_id_metadata_document_supported',
    tests: metadata('names only what the server has'),
  },
  {
    section: '4.5',
    requirement: 'The server must refuse a redirect URI that is not in the document',
    tests: redirectMatch('refuses %s'),
  },
  {
    section: '6.5',
    requirement: 'The server must not fetch from special-use addresses',
    tests: fetchedDocument(
      'refuses a document at %s',
      'refuses a name that has a public and a private address, and one whose first address is private',
    ),
  },
  {
    section: '6.6',
    requirement: 'The server should read at most 5 KB',
    tests: fetchedDocument(
      'refuses a document of 5,121 bytes with CLIENT_NOT_ACCEPTED, and asks once',
      'refuses a document of 1 GB with CLIENT_NOT_ACCEPTED, and asks once',
    ),
  },
]
