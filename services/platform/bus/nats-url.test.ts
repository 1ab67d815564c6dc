import { describe, expect, it } from 'vitest'
import { type NatsServer, natsAddress, parseNatsUrl } from './nats-url.ts'

describe('parseNatsUrl', () => {
  const good: Record<string, NatsServer> = {
    'nats://bus.example.com': { host: 'bus.example.com', port: 4222, isTls: false },
    'tls://10.0.0.1:80/': { host: '10.0.0.1', port: 80, isTls: true },
    'nats://[::1]:4223': { host: '::1', port: 4223, isTls: false },
    'nats://me:12345@host:4224': { host: 'host', port: 4224, isTls: false, login: { user: 'me', password: '12345' } },
    'nats://a%40b:c%2Cd@host': { host: 'host', port: 4222, isTls: false, login: { user: 'a@b', password: 'c,d' } },
    'tls://t0ken@host': { host: 'host', port: 4222, isTls: true, login: { token: 't0ken' } },
  }
  for (const [text, server] of Object.entries(good)) {
    it(`reads ${text}`, () => expect(parseNatsUrl(text)).toEqual(server))
  }

  const bad = ['', 'host:4222', 'http://host', 'ws://host', 'nats://', 'nats://host:0', 'nats://host:65536']
  const strange = ['nats://host/path', 'nats://host?a=b', 'nats://host#c', 'nats://:secret@host', 'nats://%ff@host']
  for (const text of [...bad, ...strange]) {
    it(`refuses ${JSON.stringify(text)}`, () => expect(parseNatsUrl(text)).toBeUndefined())
  }
})

it('natsAddress never contains the login', () => {
  const addresses = ['nats://me:secret@host', 'nats://token@[::1]:1'].map((text) => {
    const server = parseNatsUrl(text)
    return server && natsAddress(server)
  })
  expect(addresses).toEqual(['host:4222', '[::1]:1'])
})
