import { OPERATOR_ROLES } from '@auth4agent/core/identity/operator-roles'
import { describe, expect, it } from 'vitest'
import { reasons } from '../../services/platform/errors/reasons.ts'
import { readDocuments, readFromCheckout } from '../support/documents/checkout.ts'
import { typeCheck } from '../support/documents/type-check.ts'
import {
  contractCalls,
  documentedCalls,
  documentedDefaults,
  documentedErrors,
  documentedSettings,
  figures,
  firstCells,
  isDefault,
  knownSettings,
} from './facts.ts'

const documents = await readDocuments()
const README = await readFromCheckout('README.md')

/** Declarations that the TypeScript of the README uses but does not contain. */
const PROLOGUE = `
import { createAgent, type Signer } from '@auth4agent/sdk'
import { readKeyFile } from '@auth4agent/sdk/node'
import { createVerifier } from '@auth4agent/verifier'
import { protect } from '@auth4agent/verifier/express'
import type { Express, RequestHandler } from 'express'
declare const server: string, issuer: string, did: string, operatorId: string
declare const key: Signer
declare const app: Express
declare const listOrders: RequestHandler
`

/** Declarations that the TypeScript of docs/moving.md uses but does not contain. */
const MOVING_PROLOGUE = `
import { type Agent, type Operator, openCalls } from '@auth4agent/sdk'
declare const agent: Agent, acme: Operator, other: Operator
declare const issuer: string, domain: string, operatorId: string, text: string
`

/** The kinds of blocks of code that a document has. */
/** Errors that only the endpoints of OpenID Federation answer. */
const OF_FEDERATION = ['not_found', 'invalid_trust_anchor']
/** Errors of open registration, which docs/browser-clients.md explains. */
const OF_REGISTRATION = ['invalid_redirect_uri', 'invalid_client_metadata']

const kinds = (path: string) => new Set(documents.get(path)?.blocks.map(({ info }) => info))

describe('README.md', () => {
  it('has at most 150 lines', () => {
    expect(README.trimEnd().split('\n').length).toBeLessThanOrEqual(150)
  })

  it('has only figures that docs/performance.md has too', async () => {
    const measured = figures(await readFromCheckout('docs/performance.md'))
    const told = figures(README)
    expect(told.size).toBeGreaterThan(2)
    expect([...told].filter(([figure, value]) => measured.get(figure) !== value)).toEqual([])
  })

  it('has figures about speed only in its table', () => {
    const prose = README.split('\n').filter((line) => !line.startsWith('|'))
    expect(prose.filter((line) => /\d (?:µs|tokens|times|verifications)|\d a second/.test(line))).toEqual([])
  })

  it('has TypeScript that compiles with the packages', async () => {
    const blocks = (documents.get('README.md')?.blocks ?? []).filter(({ info }) => info === 'ts')
    expect(blocks.length).toBe(2)
    expect(await typeCheck(`${PROLOGUE}${blocks.map(({ text }) => `{\n${text}}\n`).join('')}`)).toBe('')
  })

  it('has a tour that test/e2e/readme-tour runs, together with the commands of docs/signing-keys.md', async () => {
    const tour = await readFromCheckout('test/e2e/readme-tour/tour.test.ts')
    expect(kinds('README.md')).toEqual(new Set(['console', 'sh', 'ts']))
    expect(kinds('docs/signing-keys.md')).toEqual(new Set(['sh keys']))
    expect(tour).toContain("blocks('README.md', 'sh')")
    expect(tour).toContain("blocks('docs/signing-keys.md', 'sh keys')")
  })

  it('has the section that the banner of the server names', async () => {
    const [, section] = /README\.md, "([^"]+)"/.exec(await readFromCheckout('services/process/banner.ts')) ?? []
    expect(section).toBe('Five minutes')
    expect(README).toContain(`## ${section}\n`)
  })

  it('shows a picture that loads no other file and contains no path of a machine', async () => {
    const picture = await readFromCheckout('docs/demo.svg')
    expect(README).toContain('](docs/demo.svg)')
    expect(picture).toContain('$ npx auth4agent demo')
    expect(picture).not.toMatch(/href|url\(|@import|<script|<image|\/(?:home|root|tmp|work|Users)\//)
  })
})

describe('docs/oauth.md', () => {
  it('has at most 250 lines', async () => {
    expect((await readFromCheckout('docs/oauth.md')).trimEnd().split('\n').length).toBeLessThanOrEqual(250)
  })

  it('has a program that compiles, and blocks that test/e2e/readme-tour runs', async () => {
    const blocks = documents.get('docs/oauth.md')?.blocks ?? []
    expect(kinds('docs/oauth.md')).toEqual(new Set(['sh', 'ts', 'python']))
    const program = blocks.flatMap(({ info, text }) => (info === 'ts' ? [text] : []))
    expect(await typeCheck(program.join('\n'))).toBe('')
    const test = await readFromCheckout('test/e2e/readme-tour/oauth-page.test.ts')
    for (const kind of kinds('docs/oauth.md')) expect(test).toContain(`blocks('docs/oauth.md', '${kind}')`)
  })

  it('names for every OAuth error the reasons that the server has', async () => {
    const pages = await Promise.all(['docs/oauth.md', 'docs/devices.md'].map(readFromCheckout))
    const documented = pages.flatMap(documentedErrors)
    const known = Object.entries(reasons).map(([reason, { oauth }]) => [oauth, reason])
    expect(documented.length).toBeGreaterThan(20)
    expect(documented.filter(([error, reason]) => known.every((each) => each.join() !== `${error},${reason}`))).toEqual(
      [],
    )
    const errors = new Set([
      ...documented.map(([error]) => error),
      'server_error',
      ...OF_FEDERATION,
      ...OF_REGISTRATION,
    ])
    expect(known.map(([error]) => error).filter((error) => !errors.has(String(error)))).toEqual([])
    const registration = await readFromCheckout('docs/browser-clients.md')
    for (const error of OF_REGISTRATION) expect(registration).toContain(`400 \`${error}\``)
  })
})

describe('docs/identity.md', () => {
  it('has at most 250 lines', async () => {
    expect((await readFromCheckout('docs/identity.md')).trimEnd().split('\n').length).toBeLessThanOrEqual(250)
  })

  it('has a program that compiles and that test/e2e/readme-tour runs', async () => {
    const blocks = documents.get('docs/identity.md')?.blocks ?? []
    expect(kinds('docs/identity.md')).toEqual(new Set(['ts']))
    expect(await typeCheck(blocks.map(({ text }) => text).join('\n'))).toBe('')
    expect(await readFromCheckout('test/e2e/readme-tour/identity-page.test.ts')).toContain(
      "blocks('docs/identity.md', 'ts')",
    )
  })
})

describe('docs/moving.md', () => {
  it('has a program that compiles, and commands that test/e2e/readme-tour runs', async () => {
    const blocks = documents.get('docs/moving.md')?.blocks ?? []
    expect(kinds('docs/moving.md')).toEqual(new Set(['ts', 'sh', 'console']))
    const program = blocks.flatMap(({ info, text }) => (info === 'ts' ? [text] : []))
    expect(await typeCheck(`${MOVING_PROLOGUE}${program.join('\n')}`)).toBe('')
    expect(await readFromCheckout('test/e2e/readme-tour/moving-page.test.ts')).toContain(
      "blocks('docs/moving.md', 'sh')",
    )
  })
})

describe('docs/federation.md', () => {
  it('has commands to try that test/e2e/readme-tour runs, and begins like the README', async () => {
    const test = await readFromCheckout('test/e2e/readme-tour/federation-page.test.ts')
    expect(kinds('docs/federation.md')).toContain('sh tour')
    expect(test).toContain("blocks('docs/federation.md', 'sh tour')")
    for (const text of [README, await readFromCheckout('docs/federation.md')])
      expect(text).toMatch(/npm run cluster -- --deployments 3[^]+auth4agent demo --federation/)
  })
})

describe('docs/operator-keys.md', () => {
  it('has only blocks that test/e2e/readme-tour runs or compiles', async () => {
    expect(kinds('docs/operator-keys.md')).toEqual(new Set(['sh', 'sh rfc9421', 'ts']))
    const test = await readFromCheckout('test/e2e/readme-tour/operator-keys-page.test.ts')
    for (const kind of kinds('docs/operator-keys.md'))
      expect(test).toContain(`blocks('docs/operator-keys.md', '${kind}')`)
  })

  it('lists every role', async () => {
    const cells = firstCells(await readFromCheckout('docs/operator-keys.md'))
    for (const role of OPERATOR_ROLES) expect(cells).toContain(`\`${role}\``)
  })
})

describe('docs/README.md', () => {
  it('links to every page of docs/', () => {
    const pages = [...documents.keys()].filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== 'docs/README.md')
    const linked = documents.get('docs/README.md')?.links.map(({ target }) => `docs/${target.split('#')[0]}`) ?? []
    expect(pages.filter((page) => !linked.includes(page))).toEqual([])
  })
})

describe('docs/configuration.md', () => {
  it('lists every setting of the server exactly once, and no other setting', async () => {
    const documented = documentedSettings(await readFromCheckout('docs/configuration.md'))
    expect(documented.toSorted()).toEqual(knownSettings().toSorted())
  })

  it('says the defaults that the server has', async () => {
    const documented = documentedDefaults(await readFromCheckout('docs/configuration.md'))
    expect(documented.length).toBeGreaterThan(25)
    expect(documented.filter(([name, text]) => !isDefault(name, text))).toEqual([])
  })
})

describe('docs/rest.md', () => {
  it('lists every call of the contract exactly once, and no other call', async () => {
    const documented = documentedCalls(await readFromCheckout('docs/rest.md'))
    expect(documented.toSorted()).toEqual(contractCalls().toSorted())
  })
})

describe('docs/operations.md', () => {
  it('says for every alert where to look first', async () => {
    const rules = await readFromCheckout('deploy/monitoring/rules.yaml')
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)
    const cells = firstCells(await readFromCheckout('docs/operations.md'))
    const documented = cells.flatMap((cell) => [...cell.matchAll(/`(Auth4Agent\w+)`/g)].map(([, name = '']) => name))
    expect(alerts.length).toBeGreaterThan(5)
    expect(documented.toSorted()).toEqual(alerts.toSorted())
  })
})
