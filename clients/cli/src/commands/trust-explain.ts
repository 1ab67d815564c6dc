import type { TrustExplanation, TrustLeg, TrustPathEdge } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { readScopes, SCOPES_HELP, scopeFlag } from '../scopes.ts'
import type { Style } from '../style.ts'
import { lines, plain } from '../text.ts'
import { askerFlags, openAsker } from '../trust-asker.ts'

/** `trust explain`: explains whether a token would be accepted. */
export const explainTrust = defineCommand({
  help: [
    "Explains whether the server would accept a token of an operator at an audience. Three needs must be met. identity: an admitted issuer speaks for the domain of the operator. permission: statements, or the policy, of the audience's owner let it call. freshness: revocations of all issuers on the path are known. Of a need that is not met, the command says what is missing, who can add it, and the command to type.",
    'Only the operator of the caller, the owner of the audience and the administrator may ask. A statement between two others is shown only by its kind.',
  ],
  examples: [
    {
      does: 'may agents of bolt.example call your API?',
      line: 'auth4agent trust explain --from bolt.example --to https://api.example.com/v1 --scope orders:read',
    },
    {
      does: 'the same, for an operator of one deployment, as the administrator',
      line: 'auth4agent trust explain --from bolt.example --home https://auth.example --to https://api.example.com/v1 --admin --key data/admin-key.pem',
    },
  ],
  flags: {
    ...askerFlags,
    from: { kind: 'text', value: 'OPERATOR', help: 'the caller: a domain or an operator id', required: true },
    to: { kind: 'text', value: 'AUDIENCE', help: 'the audience: a URL or host name', required: true },
    scope: { ...scopeFlag, help: `scopes of the caller's token, ${SCOPES_HELP}` },
    home: { kind: 'text', value: 'ISSUER', help: "issuer of the caller's deployment, if several speak for the domain" },
  },
  async run(context) {
    const { flags } = context
    const scope = readScopes(flags.list('scope')).join(' ')
    const question = { from: flags.required('from'), to: flags.required('to'), scope, home: flags.text('home') }
    const answer = await context.progress('asking the server', (await openAsker(context)).explainTrust(question))
    const missing = answer.legs.flatMap((leg) => (leg.missing === undefined ? [] : [leg.missing.state]))
    context.answer(answer, describe(answer, context.style), [answer.allowed ? 'allowed' : (missing[0] ?? 'refused')])
    return answer.allowed ? 'ok' : 'refused'
  },
})

function describe({ allowed, effective_scopes, position, legs }: TrustExplanation, style: Style): string {
  const head = lines({ 'scopes at the audience': effective_scopes?.join(' '), position })
  const verdict = allowed ? style.good('yes') : style.bad('no')
  return [`allowed: ${verdict}\n${head}`, ...legs.map((leg) => describeLeg(leg, style))].join('\n\n')
}

function describeLeg({ leg, ok, path, missing, cures, as_of, max_staleness_ms }: TrustLeg, style: Style): string {
  const age = max_staleness_ms ? `at most ${max_staleness_ms / 1_000} s old` : ''
  const known = [age, as_of ? `known as of ${as_of}` : ''].filter(Boolean).join(', ')
  const head = `${plain(leg)}: ${ok ? style.good('ok') : style.bad('no')}${known === '' ? '' : `, ${plain(known)}`}`
  const wanted = missing && `missing: ${nameOf(missing.from)} ${missing.kind} ${nameOf(missing.to)} (${missing.state})`
  return [
    head,
    ...path.map((edge) => `  ${plain(describeEdge(edge))}`),
    ...(wanted === undefined ? [] : [`  ${plain(wanted)}`]),
    ...cures.map(({ who, command }) => `  ${plain(who)} can mend it:\n    ${plain(command)}`),
  ].join('\n')
}

function describeEdge({ kind, from, to, expires_at }: TrustPathEdge): string {
  if (!from && !to) return `${kind}, a statement between two others`
  return `${nameOf(from)} ${kind} ${nameOf(to)}${expires_at ? `, until ${expires_at}` : ''}`
}

function nameOf(text: string | null | undefined): string {
  return text || '(hidden)'
}
