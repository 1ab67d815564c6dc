import { describe, expect, it } from 'vitest'
import { type Constraints, nameFault, readConstraints } from './constraints.ts'

function read(json: unknown): Constraints {
  const constraints = readConstraints(json)
  if (typeof constraints === 'string') throw new Error(constraints)
  return constraints
}

describe('readConstraints', () => {
  it('reads every constraint, and ignores unknown ones', () => {
    const constraints = read({
      max_path_length: 0,
      naming_constraints: { permitted: ['.Example'], excluded: ['a.example'], other: 1 },
      allowed_entity_types: [],
      other: 1,
    })
    expect(constraints).toEqual({
      maxPathLength: 0,
      permitted: ['.example'],
      excluded: ['a.example'],
      allowedEntityTypes: [],
    })
  })

  it('reads an empty object as no constraint', () => {
    const none = { maxPathLength: undefined, permitted: undefined, excluded: [], allowedEntityTypes: undefined }
    expect(read({})).toEqual(none)
  })

  it.each<[string, unknown, string]>([
    ['a list', [], 'constraints must be an object'],
    ['null', null, 'constraints must be an object'],
    ['a negative length', { max_path_length: -1 }, 'max_path_length must be an integer of at least 0'],
    ['a fraction as length', { max_path_length: 0.5 }, 'max_path_length must be an integer of at least 0'],
    ['a text as length', { max_path_length: '1' }, 'max_path_length must be an integer of at least 0'],
    ['null as length', { max_path_length: null }, 'max_path_length must be an integer of at least 0'],
    ['a list of names without their kind', { naming_constraints: [] }, 'naming_constraints must be an object'],
    [
      'types that are a text',
      { allowed_entity_types: 'a' },
      'allowed_entity_types must be a list of entity types without federation_entity',
    ],
    [
      'the type that is always allowed',
      { allowed_entity_types: ['federation_entity'] },
      'allowed_entity_types must be a list of entity types without federation_entity',
    ],
  ])('refuses %s', (_, json, text) => {
    expect(readConstraints(json)).toBe(text)
  })

  it.each<[string, unknown]>([
    ['a URL', ['https://a.example']],
    ['a wildcard', ['*.example']],
    ['a period alone', ['.']],
    ['an empty text', ['']],
    ['a period at the end', ['a.example.']],
    ['a port', ['a.example:443']],
    ['a text', 'a.example'],
    ['a number', [1]],
  ])('refuses the name %s', (_, names) => {
    const text = 'permitted and excluded must be lists of hosts, or of domains with a period in front'
    expect(readConstraints({ naming_constraints: { permitted: names } })).toBe(text)
    expect(readConstraints({ naming_constraints: { excluded: names } })).toBe(text)
  })
})

describe('nameFault', () => {
  it.each<[string, object, string, string | undefined]>([
    ['no constraint admits any name', {}, 'https://a.example', undefined],
    ['a permitted host', { permitted: ['a.example'] }, 'https://a.example/x', undefined],
    ['a host below a permitted host', { permitted: ['a.example'] }, 'https://b.a.example', 'NAME_NOT_PERMITTED'],
    ['a host of a permitted domain', { permitted: ['.example'] }, 'https://b.a.example', undefined],
    ['a permitted domain itself', { permitted: ['.a.example'] }, 'https://a.example', 'NAME_NOT_PERMITTED'],
    ['a host that only ends alike', { permitted: ['.a.example'] }, 'https://ba.example', 'NAME_NOT_PERMITTED'],
    ['nothing permitted', { permitted: [] }, 'https://a.example', 'NAME_NOT_PERMITTED'],
    ['one of two permitted hosts', { permitted: ['b.example', 'a.example'] }, 'https://a.example', undefined],
    ['an excluded host', { excluded: ['a.example'] }, 'https://a.example:8443', 'NAME_EXCLUDED'],
    ['a host below an excluded host', { excluded: ['a.example'] }, 'https://b.a.example', undefined],
    ['a host of an excluded domain', { excluded: ['.a.example'] }, 'https://b.a.example', 'NAME_EXCLUDED'],
    [
      'exclusion before permission',
      { permitted: ['.example'], excluded: ['a.example'] },
      'https://a.example',
      'NAME_EXCLUDED',
    ],
    ['names in another case', { excluded: ['A.EXAMPLE'] }, 'https://a.example', 'NAME_EXCLUDED'],
    ['an IPv4 address under exclusions', { excluded: ['a.example'] }, 'https://192.0.2.1', 'NAME_EXCLUDED'],
    ['an IPv6 address under permissions', { permitted: ['.example'] }, 'https://[2001:db8::1]', 'NAME_NOT_PERMITTED'],
  ])('decides about %s', (_, naming, id, fault) => {
    expect(nameFault(read({ naming_constraints: naming }), id)).toBe(fault)
  })
})
