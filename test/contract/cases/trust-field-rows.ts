import { bounded, type FieldRow, named, ownId, pageSize, pageToken, scope, text } from './field-row.ts'

const around: FieldRow = {
  wrong: {
    'is in capitals': ['ACME-operator.com', 'INVALID_ARGUMENT'],
    'has 1500 characters': [text(1_500), 'INVALID_ARGUMENT'],
  },
  fits: { 'is the domain of nobody': 'nobody.example' },
}

/** One row for every field of the requests about trust statements and proposals. */
export const trustFieldRows: Readonly<Record<string, FieldRow>> = {
  'PutTrustStatementRequest.id': ownId,
  'PutTrustStatementRequest.statement': {
    absent: 'INVALID_STATEMENT',
    wrong: {
      'has no dots': [text(1_000), 'INVALID_STATEMENT'],
      'has 8 KiB and a byte': [text(8_193), 'INVALID_STATEMENT'],
      'has 50 KB of dots': ['.'.repeat(50_000), 'INVALID_STATEMENT'],
    },
  },
  'ListTrustStatementsRequest.id': ownId,
  'ListTrustStatementsRequest.with_ended': {},
  'ListTrustStatementsRequest.page_size': pageSize,
  'ListTrustStatementsRequest.page_token': pageToken,
  'RevokeTrustStatementRequest.id': ownId,
  'RevokeTrustStatementRequest.jti': named('STATEMENT_NOT_FOUND'),
  'RevokeTrustStatementRequest.reason': bounded(500),
  'ProposeTrustRequest.id': ownId,
  'ProposeTrustRequest.draft': {
    absent: 'INVALID_STATEMENT',
    wrong: {
      'is empty': [{}, 'INVALID_STATEMENT'],
      'has an unknown member': [{ note: 1 }, 'INVALID_STATEMENT'],
      'has a text of 50 KB': [{ iss: text(50_000) }, 'INVALID_STATEMENT'],
    },
  },
  'ListTrustProposalsRequest.id': ownId,
  'DismissTrustProposalRequest.id': ownId,
  'DismissTrustProposalRequest.proposal_id': named('PROPOSAL_NOT_FOUND'),
  'DismissTrustProposalRequest.reason': bounded(500),
  'ListPublishedTrustRequest.audience': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is a wildcard': ['*', 'INVALID_ARGUMENT'],
      'has 1500 characters': [`https://auth.acme-operator.com/${text(1_469)}`, 'INVALID_ARGUMENT'],
    },
  },
  'ExplainTrustRequest.from': {
    absent: 'INVALID_ARGUMENT',
    wrong: {
      'is in capitals': ['BRAVO-operator.com', 'INVALID_ARGUMENT'],
      'has 50 KB': [text(50_000), 'INVALID_ARGUMENT'],
    },
  },
  'ExplainTrustRequest.home': {
    wrong: {
      'is no URL': ['auth.acme-operator.com', 'INVALID_ARGUMENT'],
      'has 50 KB': [`https://a.com/${text(50_000)}`, 'INVALID_ARGUMENT'],
    },
    fits: { 'is an issuer that is not admitted': 'https://auth.unknown-operator.com' },
  },
  'ExplainTrustRequest.to': {
    absent: 'INVALID_AUDIENCE',
    wrong: {
      'has a fragment': ['https://api.acme-operator.com/#x', 'INVALID_AUDIENCE'],
      'has 50 KB': [`https://api.acme-operator.com/${text(50_000)}`, 'INVALID_AUDIENCE'],
    },
  },
  'ExplainTrustRequest.scope': scope,
  'ExportTrustGraphRequest.format': {
    wrong: { 'is unknown': ['png', 'INVALID_ARGUMENT'], 'has 1500 characters': [text(1_500), 'INVALID_ARGUMENT'] },
    fits: { 'is svg': 'svg' },
  },
  'ExportTrustGraphRequest.around': around,
  'CreateTrustViewRequest.around': around,
  'GetTrustViewRequest.around': around,
  'GetTrustViewRequest.view': {
    wrong: {
      'is a word': ['view', 'INVALID_VIEW'],
      'has four empty parts': ['....', 'INVALID_VIEW'],
      'has 1500 characters': [text(1_500), 'INVALID_VIEW'],
    },
  },
  'ListAdmissionsRequest.audience': {
    absent: 'INVALID_AUDIENCE',
    wrong: {
      'has a fragment': ['https://api.acme-operator.com/#x', 'INVALID_AUDIENCE'],
      'has 1500 characters': [`https://api.acme-operator.com/${text(1_469)}`, 'INVALID_AUDIENCE'],
    },
  },
  'ListAdmissionsRequest.page_size': {
    wrong: { ...pageSize.wrong, 'is one more than the maximum': ['501', 'INVALID_ARGUMENT'] },
    fits: { 'is the maximum': '500', 'is zero': '0' },
  },
  'ListAdmissionsRequest.page_token': pageToken,
  'ListPublishedTrustRequest.after': { wrong: { 'is no cursor': ['x', 'INVALID_PAGE_TOKEN'] } },
}
