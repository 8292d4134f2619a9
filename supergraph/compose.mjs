// Composes subgraph schemas into a supergraph. Input on stdin: [{"name", "url", "sdl"}]. Output on stdout: the
// supergraph's SDL, or on stderr one line an error with its code, exit status 1.
import { composeServices } from '@theguild/federation-composition'
import { parse } from 'graphql'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const services = JSON.parse(Buffer.concat(chunks).toString('utf8'))

const result = composeServices(services.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })))

if (result.errors?.length) {
  for (const error of result.errors) process.stderr.write(`${error.extensions?.code ?? 'ERROR'}: ${error.message}\n`)
  process.exit(1)
}
process.stdout.write(result.supergraphSdl)
