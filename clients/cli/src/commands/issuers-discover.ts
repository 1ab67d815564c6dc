import type { IssuerCandidate } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { adminFlags } from '../common-flags.ts'
import { openAdministrator } from '../parties.ts'
import { columns, lines } from '../text.ts'

/** `issuer discover`: looks for the trust chain of an issuer. */
export const discoverIssuer = defineCommand({
  help: [
    'Looks for a trust chain from an issuer to one of the trust anchors. The issuer then waits for `issuer add` with --anchor, for at most an hour. If its anchor admits issuers by itself, it is admitted at once. Only the administrator can do this.',
  ],
  examples: [{ does: 'another deployment', line: `auth4agent issuer discover https://auth.example` }],
  arguments: [{ name: 'ISSUER', help: 'the issuer, exactly as its tokens name it in `iss`', required: true }],
  flags: adminFlags,
  async run(context) {
    const [given = ''] = context.arguments
    const { federation } = await openAdministrator(context)
    const { candidate, issuer } = await context.progress('searching', federation.discover(given))
    const facts = lines({
      issuer: candidate.issuer,
      anchor: candidate.anchor,
      path: candidate.path.join(' < '),
      'keys from': candidate.keys_from,
      'chain expires at': candidate.expires_at,
      admitted: issuer === undefined ? 'no' : 'yes',
    })
    const next = `auth4agent issuer add ${candidate.issuer} --anchor ${candidate.anchor} --revocations MODE`
    const text = issuer === undefined ? `${facts}\n\nTo admit it:\n  ${next}` : facts
    context.answer({ candidate, ...(issuer !== undefined && { issuer }) }, text, [candidate.issuer])
  },
})

/** `issuer list-candidates`: lists the issuers that wait for approval. */
export const listCandidates = defineCommand({
  help: [
    'Lists the issuers that `issuer discover` has found and that wait for `issuer add` with --anchor. Only the administrator can do this.',
  ],
  examples: [{ does: 'all candidates', line: `auth4agent issuer list-candidates` }],
  flags: adminFlags,
  async run(context) {
    const { federation } = await openAdministrator(context)
    const candidates = await context.progress('asking the server', federation.listCandidates())
    context.answer(
      { candidates },
      candidateTable(candidates),
      candidates.map(({ issuer }) => issuer),
    )
  },
})

function candidateTable(candidates: readonly IssuerCandidate[]): string {
  if (candidates.length === 0) return 'no issuer waits for approval'
  const rows = candidates.map(({ issuer, anchor, keys_from, expires_at }) => [
    issuer,
    anchor,
    keys_from,
    expires_at ?? '',
  ])
  return columns([['ISSUER', 'ANCHOR', 'KEYS FROM', 'CHAIN EXPIRES AT'], ...rows])
}
