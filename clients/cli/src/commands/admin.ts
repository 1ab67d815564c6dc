import type { ContractStep, ServerProcesses } from '@auth4agent/sdk'
import { defineCommand } from '../command.ts'
import { adminFlags, reasonFlag } from '../common-flags.ts'
import { openAdministrator } from '../parties.ts'
import { columns } from '../text.ts'

/** `admin processes`: lists the processes of a deployment. */
export const listProcesses = defineCommand({
  help: [
    'Lists the processes that use the database of the deployment. Each says every 10 seconds that it is there. A process that was not seen for 60 seconds counts as gone. Only the administrator can do this.',
  ],
  examples: [
    { does: 'all processes', line: 'auth4agent admin processes' },
    { does: 'their versions', line: `auth4agent admin processes --json | jq -r '.processes[].version'` },
  ],
  flags: adminFlags,
  async run(context) {
    const list = await context.progress('asking the server', (await openAdministrator(context)).deployment.processes())
    const rows = list.processes.map(({ host, version, schema, services, seen_at, counts }) => [
      host,
      version,
      schema,
      services.join(' '),
      counts ? seen_at : `${seen_at} (gone)`,
    ])
    const table = columns([['HOST', 'VERSION', 'SCHEMA', 'SERVICES', 'SEEN'], ...rows])
    context.answer(
      list,
      [table, ...unlisted(list)].join('\n\n'),
      list.processes.map(({ id }) => id),
    )
  },
})

/** `admin schema contract`: runs the contract steps of an upgrade. */
export const contractSchema = defineCommand({
  help: [
    'Runs the contract steps of an upgrade: they remove what only older versions need. Run it when every process has the new version. While an older one runs, the server refuses and names it. Afterwards no older version can start. Only the administrator can do this.',
    'With --dry-run it changes nothing, and shows the SQL and which processes hold it up.',
  ],
  examples: [
    { does: 'what would run', line: 'auth4agent admin schema contract --dry-run' },
    { does: 'the last step of an upgrade', line: 'auth4agent admin schema contract --reason "upgrade done"' },
  ],
  flags: {
    ...adminFlags,
    ...reasonFlag,
    'dry-run': { kind: 'boolean', help: 'change nothing; show what would run and what holds it up' },
  },
  async run(context) {
    const { deployment } = await openAdministrator(context)
    if (context.flags.on('dry-run')) {
      const list = await context.progress('asking the server', deployment.processes())
      const { contract_steps, unlisted_sessions } = list
      context.answer({ contract_steps, unlisted_sessions }, planOf(list), namesOf(contract_steps))
      return
    }
    const done = await context.progress('contracting', deployment.contractSchema(context.flags.text('reason')))
    const { applied } = done
    context.answer(done, applied.length === 0 ? NOTHING : `contract steps run\n\n${applied.join('\n')}`, applied)
  },
})

const NOTHING = 'no contract step waits'

const namesOf = (steps: readonly ContractStep[]) => steps.map(({ name }) => name)

/** Returns what would run and what holds it up. */
function planOf(list: ServerProcesses): string {
  if (list.contract_steps.length === 0) return NOTHING
  const byId = new Map(list.processes.map((process) => [process.id, process]))
  const steps = list.contract_steps.map(({ name, sql, waits_for }) => {
    const holders = waits_for.map((id) => byId.get(id)).filter((process) => process !== undefined)
    const lines = holders.map(({ host, version }) => `waits for ${host}, version ${version}`)
    return [name, sql.trimEnd(), ...lines].join('\n')
  })
  return [...steps, ...unlisted(list)].join('\n\n')
}

function unlisted({ unlisted_sessions: count }: ServerProcesses): readonly string[] {
  if (count === 0) return []
  return [`${count} database sessions are of processes that are not listed: contract steps wait for them`]
}
