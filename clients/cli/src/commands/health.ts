import { defineCommand } from '../command.ts'
import { serverFlags } from '../common-flags.ts'
import { chooseServer } from '../parties.ts'
import { lines, plain } from '../text.ts'
import { transportTo } from '../transport.ts'

/** `server status`: asks `GET /health`. */
export const health = defineCommand({
  help: [
    'Asks the server of agent.json or operator.json, or of --server, whether it is up. The exit code is 1 if the server reports another status than `ok`.',
  ],
  examples: [
    { does: 'the configured server', line: 'auth4agent server status' },
    { does: 'another server', line: 'auth4agent server status --server http://localhost:8080 --json' },
  ],
  flags: serverFlags,
  async run(context) {
    const { server } = await chooseServer(context)
    const { fetch, signal, progress, answer, style } = context
    const health = await progress(
      `asking ${server}`,
      transportTo(server, fetch)({ method: 'GET', path: '/health', signal }),
    )
    const { status, timestamp }: { status?: unknown; timestamp?: unknown } = Object(health)
    const isWell = status === 'ok'
    const said = plain(String(status))
    answer(
      health,
      `Server status: ${isWell ? style.good(said) : style.bad(said)}\n${lines({ Timestamp: typeof timestamp === 'number' ? timestamp : undefined })}`,
      [String(status)],
    )
    return isWell ? 'ok' : 'refused'
  },
})
