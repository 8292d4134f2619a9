// Requests in flight are shared by nobody here: every client of the benchmark asks the same thing.
export const gatewayConfig = {
  logging: "warn",
  transportEntries: { "*.http": { options: { deduplicateInflightRequests: false } } },
};
