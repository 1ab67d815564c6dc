import type { NewAttestationRequirement, NewEnrolmentRule } from '@auth4agent/sdk'
import { usageError } from '../cli-error.ts'
import type { Context } from '../context.ts'
import type { FlagReader, FlagTable } from '../flags.ts'
import { readScopes } from '../scopes.ts'
import { shared } from '../shared-flags.ts'
import { readDuration } from '../times.ts'
import { readJsonFile } from './config-values.ts'

/** Flags that rules and requirements have in common. */
const attestorFlags = {
  file: { ...shared.file, more: 'the whole as JSON, in place of all other flags' },
  'all-of': { kind: 'list', value: 'ATTESTORS', help: 'attestors that are all needed, separated by commas' },
  'any-of': { kind: 'list', value: 'ATTESTORS', help: 'attestors of which one is needed, separated by commas' },
  when: {
    kind: 'text',
    value: 'CONDITION',
    help: 'condition in CEL over the verified claims, such as \'claims.ci.ref == "refs/heads/main"\'',
  },
  'end-tokens': { kind: 'boolean', help: 'tokens end with the results on which they rest' },
} as const satisfies FlagTable

/** Flags of `enrolment-rule set`. */
export const ruleFlags = {
  ...attestorFlags,
  label: { ...shared.label, more: '{attestor.claim} stands for a verified claim' },
  scope: { ...shared.scope, more: 'agents may ask only for them' },
  aud: { ...shared.aud, more: 'agents may ask only for tokens for it; by default for any' },
  'token-ttl': { kind: 'text', value: 'DURATION', help: 'longest lifetime of a token' },
  'max-agents': { kind: 'text', value: 'NUMBER', help: 'the most agents of the rule, 1 to 100000' },
  'expire-unused': {
    kind: 'text',
    value: 'DURATION',
    help: 'revoke an agent whose results have all been expired for this long; by default never',
  },
} as const satisfies FlagTable

/** Flags of `requirement set`. */
export const requirementFlags = {
  ...attestorFlags,
  'for-agent': {
    aliases: ['agent'],
    kind: 'list',
    value: 'DID',
    help: 'agent to which it applies; may be repeated; by default all',
  },
  scope: { ...shared.scope, more: 'the requirement applies to them; a trailing * stands for any text' },
  aud: { ...shared.aud, more: 'the requirement applies to it; by default to all' },
  level: {
    kind: 'text',
    value: 'LEVEL',
    help: 'the weakest level that counts; by default bearer',
    choices: ['bearer', 'bound', 'hardware'],
  },
  'max-age': { kind: 'text', value: 'DURATION', help: 'oldest age of a result when a token is issued' },
  'demand-at': {
    aliases: ['at'],
    kind: 'list',
    value: 'WHEN',
    help: 'registration or token; by default both',
    choices: ['registration', 'token'],
  },
} as const satisfies FlagTable

/** Reads a rule from --file, or else from the other flags. Throws CliError. */
export function readRule(context: Context<typeof ruleFlags>): Promise<NewEnrolmentRule> {
  const { flags } = context
  return readWhole(context, {
    ...readCommon(flags),
    label: flags.text('label'),
    scopes: orNone(readScopes(flags.list('scope'))),
    audiences: orNone(flags.list('aud')),
    token_ttl: readSeconds('--token-ttl', flags.text('token-ttl')),
    max_agents: readNumber('--max-agents', flags.text('max-agents')),
    expire_unused: readSeconds('--expire-unused', flags.text('expire-unused')),
  })
}

/** Reads a requirement from --file, or else from the other flags. Throws CliError. */
export function readRequirement(context: Context<typeof requirementFlags>): Promise<NewAttestationRequirement> {
  const { flags } = context
  return readWhole(context, {
    ...readCommon(flags),
    agents: orNone(flags.list('for-agent')),
    scopes: orNone(readScopes(flags.list('scope'))),
    audiences: orNone(flags.list('aud')),
    level: flags.text('level'),
    max_age: readSeconds('--max-age', flags.text('max-age')),
    at: orNone(split(flags.list('demand-at'))),
  })
}

type Attestors = Pick<NewEnrolmentRule, 'all_of' | 'any_of'>

async function readWhole<T extends Attestors>(context: Context<typeof attestorFlags>, fromFlags: T) {
  const file = context.flags.text('file')
  if (file !== undefined) {
    if (Object.values(fromFlags).some((value) => value !== undefined))
      throw usageError('No other flag can go with --file, which has the whole')
    return readJsonFile(file, context.readStdin)
  }
  if ((fromFlags.all_of === undefined) === (fromFlags.any_of === undefined))
    throw usageError('Name the attestors by --all-of or by --any-of', '`auth4agent attestor list` shows them.')
  return fromFlags
}

function readCommon(flags: FlagReader<typeof attestorFlags>) {
  return {
    all_of: orNone(split(flags.list('all-of'))),
    any_of: orNone(split(flags.list('any-of'))),
    when: flags.text('when'),
    end_tokens: flags.on('end-tokens') ? true : undefined,
  }
}

function split(given: readonly string[]): string[] {
  return given.flatMap((each) => each.split(/[\s,]+/)).filter(Boolean)
}

/** Returns undefined for an empty list, so that the member is not sent and has its default. */
function orNone(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values
}

function readSeconds(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const value = readDuration(given)
  if (value === undefined) throw usageError(`${flag} must be a duration`, `For example: ${flag} 10m`)
  return value
}

function readNumber(flag: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(given)) throw usageError(`${flag} must be a whole number`, `For example: ${flag} 100`)
  return Number(given)
}
