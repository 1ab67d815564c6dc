import { ISSUER } from '../../support/deployment.ts'
import { type FieldRow, many, text } from './field-row.ts'

const entityId: FieldRow = {
  absent: 'INVALID_ARGUMENT',
  wrong: {
    'is no URL': ['idp.bravo-operator.com', 'INVALID_ARGUMENT'],
    'is http': ['http://idp.bravo-operator.com', 'INVALID_ARGUMENT'],
    'has a query': ['https://idp.bravo-operator.com/?a=b', 'INVALID_ARGUMENT'],
    'has a user': ['https://a:b@idp.bravo-operator.com', 'INVALID_ARGUMENT'],
    'is in capital letters': ['https://IDP.bravo-operator.com', 'INVALID_ARGUMENT'],
    'has 1025 characters': [`https://idp.com/${text(1_009)}`, 'INVALID_ARGUMENT'],
  },
}
const entityTypes: FieldRow = {
  wrong: { 'has 17 entries': [many(17, 'type'), 'INVALID_ARGUMENT'] },
  fits: { 'has 16 entries': many(16, 'type'), 'has an empty entry': [''] },
}

/** One row for every field of the requests of FederationService. */
export const federationFieldRows: Readonly<Record<string, FieldRow>> = {
  'FetchSubordinateStatementRequest.sub': entityId,
  'ListSubordinatesRequest.entity_type': entityTypes,
  'ResolveEntityRequest.sub': entityId,
  'ResolveEntityRequest.trust_anchor': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'has an entry that is no URL': [['idp.com'], 'INVALID_ARGUMENT'],
      'has 17 entries': [many(17, 'https://idp.com/'), 'INVALID_ARGUMENT'],
    },
    fits: { 'has an anchor that is unknown here': [`${ISSUER}/federation`, 'https://idp.com'] },
  },
  'ResolveEntityRequest.entity_type': entityTypes,
}
