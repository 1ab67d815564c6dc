import { usageError } from '../cli-error.ts'
import { defineCommand } from '../command.ts'
import { columns, plain } from '../text.ts'
import { askerFlags, openAsker } from '../trust-asker.ts'
import { readEdges } from '../trust-edges.ts'

const FORMATS = ['json', 'svg'] as const

const HEADER = ['FROM', 'KIND', 'TO', 'NOTE'] as const

/** `trust show-graph`: shows or exports the graph of trust statements. */
export const trustGraph = defineCommand({
  help: [
    'Lists the edges of the graph of trust statements, one a line: your own statements, those that name you, and public ones. The administrator sees all. An edge leads from the signer of a statement to the operator that it is about. With --format, it prints the graph as a document.',
    'A graph has at most 500 operators and issuers. Narrow a larger one with --around: it shows what is within two edges of an operator.',
    'With --link, it prints the address of a page that shows the same graph as a drawing and a table. The link works for 5 minutes in any browser. Everybody who has it sees your graph, so do not share it.',
  ],
  examples: [
    { does: 'the edges', line: 'auth4agent trust show-graph' },
    { does: 'a page to look at', line: 'auth4agent trust show-graph --link' },
    { does: 'draw the graph', line: 'auth4agent trust show-graph --format svg > trust.svg' },
    {
      does: 'what surrounds one operator',
      line: 'auth4agent trust show-graph --format svg --around bolt.example > bolt.svg',
    },
    {
      does: 'the whole graph, as the administrator',
      line: 'auth4agent trust show-graph --admin',
    },
  ],
  flags: {
    ...askerFlags,
    format: { kind: 'text', value: 'FORMAT', help: 'print a document: json or svg', choices: FORMATS },
    around: { kind: 'text', value: 'OPERATOR', help: 'only what is within two edges of this domain or operator id' },
    link: { kind: 'boolean', help: 'print the address of a page that shows the graph' },
  },
  async run(context) {
    const { flags } = context
    const format = FORMATS.find((known) => known === flags.text('format'))
    const around = flags.text('around')
    if (flags.on('link')) {
      if (format !== undefined) throw usageError('--format and --link cannot be used together')
      const made = (await openAsker(context)).createTrustView({ around })
      const answer = await context.progress('asking the server', made)
      context.answer(answer, plain(answer.url), [answer.url])
      return
    }
    const asked = (await openAsker(context)).trustGraph({ format, around })
    const answer = await context.progress('asking the server', asked)
    if (format === undefined && !context.json) {
      const rows = readEdges(answer.document)
      return context.answer(answer, rows.length === 0 ? 'no edges' : columns([HEADER, ...rows]), columns(rows))
    }
    const document = answer.document.trimEnd().split('\n').map(plain).join('\n')
    context.answer(answer, document, document)
  },
})
