import { createServer } from 'node:http'
import type { Verifier } from '@auth4agent/verifier'
import { protect as protectExpress } from '@auth4agent/verifier/express'
import { protect as protectFastify } from '@auth4agent/verifier/fastify'
import { protect as protectHono } from '@auth4agent/verifier/hono'
import { protect as protectMcp } from '@auth4agent/verifier/mcp'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { type Api, listening, serveHono } from './apis.ts'

/**
 * Functions that each start an API at `/v2/orders/1` with a router or prefix of its framework. The client knows the
 * whole path.
 */
export const startMounted = {
  async 'Express with a router in a router'(verifier: Verifier): Promise<Api> {
    const inner = express.Router().get('/1', protectExpress(verifier), (_request, response) => void response.end('1'))
    const app = express().use('/v2', express.Router().use('/orders', inner))
    return listening(createServer(app))
  },
  async 'Express with an app in an app'(verifier: Verifier): Promise<Api> {
    const inner = express().get('/orders/:id', protectExpress(verifier), (_request, response) => void response.end('1'))
    return listening(createServer(express().use('/v2', inner)))
  },
  async 'Express with middleware for a path'(verifier: Verifier): Promise<Api> {
    const app = express().use('/v2/orders', protectExpress(verifier))
    app.get('/v2/orders/1', (_request, response) => void response.end('1'))
    return listening(createServer(app))
  },
  async 'an MCP server in an Express router'(verifier: Verifier): Promise<Api> {
    const guard = protectMcp(verifier, { resource: 'https://api.agents.example.com/v2/orders/1' })
    const inner = express.Router().get('/orders/1', guard, (_request, response) => void response.end('1'))
    return listening(createServer(express().use('/v2', inner)))
  },
  async 'Fastify with a prefix'(verifier: Verifier): Promise<Api> {
    const app = fastify()
    await app.register(
      async (inner) => {
        inner.addHook('onRequest', protectFastify(verifier))
        inner.get('/orders/:id', async () => '1')
      },
      { prefix: '/v2' },
    )
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async 'Fastify with rewriteUrl'(verifier: Verifier): Promise<Api> {
    const app = fastify({ rewriteUrl: ({ url = '' }) => url.replace('/v2/orders', '/internal') })
    app.get('/internal/:id', { onRequest: protectFastify(verifier) }, async () => '1')
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async 'Hono with a route in a route'(verifier: Verifier): Promise<Api> {
    const inner = new Hono().get('/:id', protectHono(verifier), (context) => context.text('1'))
    return serveHono(new Hono().basePath('/v2').route('/orders', inner))
  },
} as const

/** Functions that each start an API at `/v2/orders/1` behind two guards: one for all requests, and one for a route. */
export const startTwiceGuarded = {
  async express(verifier: Verifier): Promise<Api> {
    const app = express().use(protectExpress(verifier))
    const inner = express
      .Router()
      .get('/1', protectExpress(verifier, { scope: 'orders:read' }), (_request, response) => {
        response.end('1')
      })
    return listening(createServer(app.use('/v2/orders', inner)))
  },
  async mcp(verifier: Verifier): Promise<Api> {
    const resource = 'https://api.agents.example.com/v2/orders/1'
    const app = express().use(protectMcp(verifier, { resource }))
    const inner = protectMcp(verifier, { resource, scope: 'orders:read' })
    return listening(createServer(app.get('/v2/orders/1', inner, (_request, response) => void response.end('1'))))
  },
  async fastify(verifier: Verifier): Promise<Api> {
    const app = fastify()
    app.addHook('onRequest', protectFastify(verifier))
    app.get('/v2/orders/1', { onRequest: protectFastify(verifier, { scope: 'orders:read' }) }, async () => '1')
    return { url: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },
  async hono(verifier: Verifier): Promise<Api> {
    const app = new Hono().use(protectHono(verifier))
    const route = protectHono(verifier, { scope: 'orders:read' })
    return serveHono(app.get('/v2/orders/1', route, (context) => context.text('1')))
  },
} as const
