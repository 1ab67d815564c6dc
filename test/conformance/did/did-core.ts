import type { Requirement } from '../oauth/support/requirement.ts'

const DOCUMENTS = 'test/conformance/did/documents.test.ts'
const RESOLUTION = 'test/conformance/did/resolution.test.ts'
const document = (title: string) => [`${DOCUMENTS} › a DID document › ${title}`]
const representation = (title: string) => [`${DOCUMENTS} › the representation of a DID document › ${title}`]
const resolution = (title: string) => [`${RESOLUTION} › the resolution of a DID › ${title}`]
const metadata = (title: string) => [`${RESOLUTION} › the metadata of a DID document › ${title}`]
const parameters = (title: string) => [`${RESOLUTION} › the parameters of a DID URL › ${title}`]
const dereferencing = (title: string) => [`${RESOLUTION} › the dereferencing of a DID URL › ${title}`]

const ERROR = 'answers an error and nothing else for %s'
const PARTS = 'answers a document and both kinds of metadata'
const METHOD = 'has in each method a DID URL as id and the DID as controller'
const NO_NEXT = 'has no announcement of the next version, because nobody can know it'
const OTHER = 'has no other relationship and no service'
const JSON_OF = 'is the JSON of the document as application/did+json, at %s'
const NO_SERVICE = 'Documents of did:agent have no services'
const ONE_RELATIONSHIP = 'Documents of did:agent have only the relationship authentication'

/** DID Core 1.0: what W3C's test suite for DIDs (w3c/did-test-suite) checks, in our words. */
export const didCore: readonly Requirement[] = [
  {
    section: '3.1',
    requirement: 'A DID has the syntax of the specification',
    tests: document('has the resolved DID as id, for the agent %s'),
  },
  {
    section: '3.2.1',
    requirement: 'The parameter versionId is ASCII text',
    tests: parameters('versionId chooses the document after that key event'),
  },
  {
    section: '3.2.1',
    requirement: 'The parameter versionTime is a date and time',
    tests: parameters('versionTime chooses the document of that time'),
  },
  { section: '3.2.1', requirement: 'The parameters service and relativeRef are ASCII text', notOurs: NO_SERVICE },
  {
    section: '3.2.1',
    requirement: 'The parameter hl is ASCII text',
    notOurs: 'The digests of the log of key events take its place',
  },
  {
    section: '5.1.1',
    requirement: 'The root map of a document has an id, which is a DID',
    tests: document('has the resolved DID as id, for the agent %s'),
  },
  {
    section: '5.1.2',
    requirement: 'A controller is a DID or a set of DIDs',
    tests: document('has no controller, because an agent controls its own DID'),
  },
  {
    section: '5.1.3',
    requirement: 'The member alsoKnownAs is a set of URIs',
    tests: [
      'clients/core/src/identity/did-document.test.ts › buildDidDocument › contains the other DIDs of an agent that has moved and is %s',
    ],
  },
  {
    section: '5.2',
    requirement: 'The member verificationMethod is a set of maps',
    tests: document('has a set of maps as verificationMethod, for the agent %s'),
  },
  {
    section: '5.2',
    requirement: 'A method has an id, a type, a controller and the key',
    tests: document('has in each method an id, a type, a controller and one kind of key'),
  },
  { section: '5.2', requirement: 'The id of a method is a DID URL', tests: document(METHOD) },
  {
    section: '5.2',
    requirement: 'The type of a method names one type',
    tests: document('has in each method an id, a type, a controller and one kind of key'),
  },
  { section: '5.2', requirement: 'The controller of a method is a DID', tests: document(METHOD) },
  {
    section: '5.2',
    requirement: 'The member publicKeyMultibase is a key in multibase',
    tests: document('has keys of Ed25519 and P-256 in base58 multibase, which the fragment repeats'),
  },
  {
    section: '5.2',
    requirement: 'The member publicKeyJwk is a JWK',
    notOurs: 'Documents of did:agent have every key as publicKeyMultibase',
  },
  {
    section: '5.2',
    requirement: 'A method has no private part of a key',
    tests: document('has no private part of a key'),
  },
  {
    section: '5.2.1',
    requirement: 'A method does not have the same key in two forms',
    tests: document('has in each method an id, a type, a controller and one kind of key'),
  },
  {
    section: '5.3.1',
    requirement: 'The member authentication is a set of methods or their ids',
    tests: document('has a set of methods of the document as authentication, for the agent %s'),
  },
  {
    section: '5.3.2 to 5.3.5',
    requirement: 'The other relationships are sets of methods or their ids',
    notOurs: ONE_RELATIONSHIP,
  },
  { section: '5.4', requirement: 'A service is a map with a unique id, a type and an endpoint', notOurs: NO_SERVICE },
  { section: '6.1', requirement: 'A producer writes the document and its type', tests: representation(JSON_OF) },
  {
    section: '6.2.1',
    requirement: 'Sets are arrays, maps are objects, and texts and times are strings',
    tests: representation('contains every member of the document, and no null and no number'),
  },
  { section: '6.2.1', requirement: 'All members of a document are in its root object', tests: representation(JSON_OF) },
  {
    section: '6.3.1',
    requirement: 'The first context of JSON-LD is the one of DID Core',
    tests: representation('begins with the context of DID Core, then the one of Multikey'),
  },
  {
    section: '6.1, 6.2.2, 6.3.2',
    requirement: 'A consumer reads a document by its type and refuses wrong ones',
    notOurs: 'The server consumes no documents of others. A document in a registration is compared, and not kept',
  },
  {
    section: '7.1',
    requirement: 'A successful resolution has a document with the id that was resolved',
    tests: resolution(PARTS),
  },
  {
    section: '7.1',
    requirement: 'A resolution that fails has an error, no document and no metadata of it',
    tests: resolution(ERROR),
  },
  { section: '7.1.1', requirement: 'The option accept names a media type', tests: representation(JSON_OF) },
  {
    section: '7.1.2',
    requirement: 'A successful resolution names the type of the representation',
    tests: resolution('names the type of the representation as ASCII text'),
  },
  { section: '7.1.2', requirement: 'An error is one keyword in ASCII', tests: resolution(ERROR) },
  {
    section: '7.1.2',
    requirement: 'A text that is no DID is the error invalidDid',
    tests: resolution('answers invalidDid for %s'),
  },
  {
    section: '7.1.2',
    requirement: 'A DID without a document is the error notFound',
    tests: resolution('answers notFound for a DID that has no agent'),
  },
  {
    section: '7.1.2',
    requirement: 'An unknown representation is the error representationNotSupported',
    tests: [
      'services/identity/did-resolution.test.ts › GET /v1/agent/{did} › answers JSON when the Accept header prefers no other representation',
    ],
    differs: 'An Accept header that names no known type gets JSON, as version 1 answers',
  },
  {
    section: '7.1.3',
    requirement: 'The time created is in UTC without a fraction',
    tests: metadata('has the time of the registration in UTC without a fraction'),
  },
  {
    section: '7.1.3',
    requirement: 'The time updated has the same form and is not before created',
    tests: metadata('has the time of the last change, which is not before the registration'),
  },
  {
    section: '7.1.3',
    requirement: 'A deactivated DID has deactivated with the value true, and another has not',
    tests: metadata('says for a revoked agent that the DID is deactivated, and for others that it is not'),
  },
  {
    section: '7.1.3',
    requirement: 'The member versionId is ASCII text',
    tests: metadata('has the number of the last key event as version'),
  },
  {
    section: '7.1.3',
    requirement: 'The members nextUpdate and nextVersionId announce the next version',
    tests: metadata(NO_NEXT),
  },
  {
    section: '7.1.3',
    requirement: 'The members equivalentId and canonicalId are DIDs of the same method',
    tests: [
      'services/identity/did-resolution.test.ts › GET /v1/agent/{did} › answers 410 with the canonicalId for an agent that has moved',
    ],
  },
  {
    section: '7.2',
    requirement: 'A DID URL with a fragment is found in the document',
    tests: dereferencing('finds each method of a document by its fragment, without another request'),
  },
  {
    section: '7.2',
    requirement: 'A dereferencer answers a stream and metadata',
    notOurs: 'The server resolves DIDs. Fragments are found in the document by the client',
  },
  {
    section: '5',
    requirement: 'A document has no member that the specification does not know',
    tests: document(OTHER),
  },
]
