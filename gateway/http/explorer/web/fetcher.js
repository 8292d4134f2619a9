// Sends operations: with the session's token, and with the wish for the plan where plans are shown.
import { createGraphiQLFetcher } from "../vendor/vendor.js";

const ACCEPT = "multipart/mixed;deferSpec=20220824, application/graphql-response+json, application/json;q=0.9";
const INTROSPECTION = "IntrospectionQuery";

export function createFetcher({ settings, session, lastRun }) {
  const base = createGraphiQLFetcher({
    url: settings.endpoint,
    subscriptionUrl: settings.subscriptions ? socketUrl(settings.endpoint) : undefined,
    headers: { accept: ACCEPT },
    fetch: async (url, request) => {
      const response = await fetch(url, request);
      if (response.status === 401) session.end();
      return response;
    },
  });

  return async (parameters, options = {}) => {
    const own = options.headers ?? {};
    const introspects = parameters.operationName === INTROSPECTION;
    const brings = Object.keys(own).some((name) => name.toLowerCase() === "authorization");
    if (session.get().ended && !brings && !introspects) return signedOut(session.get().name);
    const headers = {
      ...(brings ? {} : session.headers()),
      ...(settings.plan && !introspects ? { "x-query-plan": "1" } : {}),
      ...own,
    };
    // A WebSocket's headers travel in its first message, under a name of their own.
    const sent = isSubscription(parameters, options.documentAST) ? { headers } : headers;
    const result = await base(parameters, { ...options, headers: sent });
    const asked = "x-query-plan" in own ? null : lastRun;
    return Symbol.asyncIterator in Object(result) ? watched(result, asked) : withoutPlan(result, asked);
  };
}

function socketUrl(endpoint) {
  const url = new URL(endpoint, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

function isSubscription({ operationName }, document) {
  return (document?.definitions ?? []).some(
    ({ operation, name }) => operation === "subscription" && (!operationName || name?.value === operationName),
  );
}

function signedOut(name) {
  const message = `The sign-in as ${name} has ended. Sign in again, or sign out to ask as a visitor.`;
  return { errors: [{ message, extensions: { code: "SIGN_IN_ENDED" } }] };
}

// Not a generator: one that waits for the next event could not be stopped before it comes.
function watched(results, lastRun) {
  const iterator = results[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      const { done, value } = await iterator.next();
      return { done, value: done ? value : withoutPlan(value, lastRun) };
    },
    return: async () => (await iterator.return?.()) ?? { done: true, value: undefined },
  };
}

// The plan goes to its panel; who asked for it by a header of their own finds it in the answer.
function withoutPlan(value, lastRun) {
  if (Array.isArray(value)) return value.map((part) => withoutPlan(part, lastRun));
  if (!lastRun || !value?.extensions?.queryPlan) return value;
  const { queryPlan, ...others } = value.extensions;
  // The last part of an answer brings the plan again, with what the deferred fetches took.
  lastRun.set({ ...queryPlan, open: value.hasNext === true });
  const { extensions: _, ...rest } = value;
  return Object.keys(others).length ? { ...rest, extensions: others } : rest;
}
