import { describe, expect, it } from 'vitest'
import { StartupError } from '../errors/startup-error.ts'
import { type Answer, choosePrimary } from './choose-primary.ts'
import type { KnownPrimary, ServerFacts } from './server-facts.ts'

type Place = { readonly name: string }

const failure = (code: string, message: string) => Object.assign(new Error(message), { code })
const primary = (timeline: number, startedAt = 'monday', cluster = '7'): ServerFacts => ({
  isStandby: false,
  isReadOnly: false,
  timeline,
  cluster,
  startedAt,
})
const standby = (cluster = '7'): ServerFacts => ({
  isStandby: true,
  isReadOnly: true,
  timeline: undefined,
  cluster,
  startedAt: 'tuesday',
})
const readOnly: ServerFacts = { ...primary(1), isReadOnly: true }
const refused = failure('ECONNREFUSED', 'connect ECONNREFUSED')
const silent = failure('ETIMEDOUT', 'no answer within 1 s')
const starting = failure('57P03', 'the database system is starting up')
const wrongPassword = failure('28P01', 'password authentication failed')

const choose = (given: Readonly<Record<string, ServerFacts | Error>>, known?: KnownPrimary) =>
  choosePrimary(
    Object.entries(given).map(
      ([name, each]): Answer<Place> =>
        each instanceof Error ? { place: { name }, error: each } : { place: { name }, server: each },
    ),
    known,
  )

describe('choosePrimary', () => {
  it.each<
    [
      title: string,
      given: Readonly<Record<string, ServerFacts | Error>>,
      known: KnownPrimary | undefined,
      chosen: string | undefined,
      problem: string | undefined,
    ]
  >([
    ['a primary behind a dead host', { a: refused, b: primary(1) }, undefined, 'b', undefined],
    ['a primary behind a silent host', { a: silent, b: primary(1) }, undefined, 'b', undefined],
    ['a primary behind a standby', { a: standby(), b: primary(1) }, undefined, 'b', undefined],
    ['a primary behind a read-only server', { a: readOnly, b: primary(1, 'friday') }, undefined, 'b', undefined],
    ['the first of two addresses of one server', { a: primary(1), b: primary(1) }, undefined, 'a', undefined],
    ['a newer primary than the known one', { a: primary(4) }, { cluster: '7', timeline: 3 }, 'a', undefined],
    [
      'the higher of two timelines',
      { a: primary(1), b: primary(2) },
      undefined,
      'b',
      'a is an old primary on timeline 1, but there is one on timeline 2: stop it',
    ],
    [
      'the known timeline when an old primary still takes writes',
      { a: primary(2), b: primary(3) },
      { cluster: '7', timeline: 3 },
      'b',
      'a is an old primary on timeline 2, but there is one on timeline 3: stop it',
    ],
    [
      'the known cluster beside another one',
      { a: primary(9, 'x', '8'), b: primary(1) },
      { cluster: '7', timeline: 1 },
      'b',
      'a belongs to another cluster, 8 instead of 7: correct DATABASE_URL',
    ],
    [
      'none of two servers on one timeline',
      { a: primary(2), b: primary(2, 'friday'), c: primary(1) },
      undefined,
      undefined,
      'a and b both take writes on timeline 2: stop one of them',
    ],
    [
      'no old primary',
      { a: primary(2), b: refused },
      { cluster: '7', timeline: 3 },
      undefined,
      'a is an old primary on timeline 2, but there is one on timeline 3: stop it; b: connect ECONNREFUSED',
    ],
    [
      'no other cluster',
      { a: primary(9, 'x', '8') },
      { cluster: '7', timeline: 3 },
      undefined,
      'a belongs to another cluster, 8 instead of 7: correct DATABASE_URL, or restart this process',
    ],
    [
      'no server that takes no writes',
      { a: standby(), b: readOnly, c: silent, d: starting },
      undefined,
      undefined,
      'No host in DATABASE_URL is a primary that takes writes: a is a standby, which takes no writes; ' +
        'b takes no writes: turn default_transaction_read_only off; c: no answer within 1 s; ' +
        'd: the database system is starting up',
    ],
  ])('chooses %s', (_title, given, known, chosen, problem) => {
    const choice = choose(given, known)
    expect(choice.primary?.place.name).toBe(chosen)
    expect(choice.mistake).toBeUndefined()
    if (problem === undefined) expect(choice.problem).toBeUndefined()
    else expect(choice.problem).toContain(problem)
  })

  it.each<[title: string, given: Readonly<Record<string, ServerFacts | Error>>]>([
    ['two primaries', { a: primary(1, 'x', '8'), b: primary(1) }],
    ['a primary and a standby', { a: refused, b: standby('8'), c: primary(1) }],
  ])('refuses %s of different clusters at the start, because only a person knows which is meant', (_title, given) => {
    const { primary: chosen, mistake } = choose(given)
    expect(chosen).toBeUndefined()
    expect(mistake).toBeInstanceOf(StartupError)
    expect(mistake?.message).toContain('to different clusters: name servers of one cluster only')
    expect(mistake?.message).toMatch(/b to \d/)
  })

  it.each<[title: string, given: Readonly<Record<string, ServerFacts | Error>>, mistake: Error | undefined]>([
    ['every host that answers refuses the password', { a: refused, b: wrongPassword }, wrongPassword],
    ['one host refuses the password, but another is a standby', { a: standby(), b: wrongPassword }, undefined],
    ['no host answers', { a: refused, b: silent, c: starting }, undefined],
  ])('says whether waiting can help when %s', (_title, given, mistake) => {
    expect(choose(given).mistake).toBe(mistake)
  })
})
