import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DescService } from '@bufbuild/protobuf'
import { REPRESENTATIONS } from '../../../services/compose/representations.ts'
import { restBindings } from '../../../services/jwks-gateway/rest/rest-bindings.ts'
import { type Comments, readComments } from './comments.ts'
import { readExamples } from './examples.ts'
import { HEADERS, PARAMETERS, SCHEMAS, SECURITY_SCHEMES } from './hand-written/components.ts'
import { ENTRIES } from './hand-written/entries.ts'
import { INTRODUCTION, TAGS } from './hand-written/introduction.ts'
import { entryPathItem } from './hand-written/operations.ts'
import { operationOf } from './operations.ts'
import { requiredFields } from './required-fields.ts'
import { createErrorResponses } from './responses.ts'
import { createSchemas, type Schema } from './schemas.ts'
import { readServices, titleOf } from './services.ts'

/** The server of the document in the repository. The gateway replaces it by its issuer. */
const SERVER = 'http://localhost:8080'

/**
 * Makes the OpenAPI 3.1 document of the HTTP port, from the proto files, the policies, the published reasons and the
 * examples of the contract tests. Throws Error for a call that these tables do not contain.
 */
export async function openApiDocument(root: string): Promise<Schema> {
  const services = (await readServices(root)).filter((service) => restBindings([service]).length > 0)
  const comments = readComments(root)
  const bindings = restBindings(services)
  const methods = bindings.map(({ method }) => method)
  const schemas = createSchemas(methods, comments, requiredFields(methods))
  const errors = createErrorResponses()
  const sources = { schemas, comments, errors, examples: readExamples(), representations: REPRESENTATIONS }
  const paths: Record<string, Schema> = {}
  for (const entry of ENTRIES) paths[entry.path] = entryPathItem(entry, errors)
  for (const binding of bindings) {
    const { template } = binding.path
    paths[template] = { ...paths[template], [binding.verb.toLowerCase()]: operationOf(binding, sources) }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Auth4Agent',
      version: versionOf(root),
      license: { name: 'MIT', identifier: 'MIT' },
      description: INTRODUCTION,
    },
    servers: [{ url: SERVER }],
    tags: tagsOf(services, comments),
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: errors.components(),
      schemas: { ...SCHEMAS, ...schemas.components() },
    },
  }
}

function tagsOf(services: readonly DescService[], comments: Comments): readonly Schema[] {
  const ofServices = services.map((service) => ({
    name: titleOf(service),
    description: comments.get(service.typeName) ?? '',
  }))
  return [TAGS.Discovery, ...ofServices, TAGS.Operations, TAGS.Pages]
}

function versionOf(root: string): string {
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return version
}
