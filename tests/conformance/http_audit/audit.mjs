// node audit.mjs URL: runs every server audit of graphql-http against an endpoint. On stdout one JSON object:
// {"<audit's name>": null, or why it failed}.
import { serverAudits } from "graphql-http";

const outcomes = {};
for (const audit of serverAudits({ url: process.argv[2], fetchFn: fetch })) {
  const result = await audit.fn();
  outcomes[`${audit.id} ${audit.name}`] = result.status === "ok" ? null : `${result.status}: ${result.reason}`;
}
process.stdout.write(JSON.stringify(outcomes));
