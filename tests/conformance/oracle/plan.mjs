// Plans operations. A line of input is {"supergraph"} or {"query", "labels"} for the supergraph before; a line of output
// is {}, {"plan"} or {"error"}.
import { QueryPlanner } from '@graphql-hive/router-query-planner'
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'

let planner
for await (const line of createInterface({ input: process.stdin })) {
  const { supergraph, query, labels } = JSON.parse(line)
  let answer = {}
  try {
    if (supergraph) planner = new QueryPlanner(supergraph)
    else answer = { plan: planner.plan(query, null, new Set(labels), 0) }
  } catch (error) {
    answer = { error: String(error) }
  }
  // The planner may end the process at any time: nothing waits in a buffer.
  writeSync(1, `${JSON.stringify(answer)}\n`)
}
