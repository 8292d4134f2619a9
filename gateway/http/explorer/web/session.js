// Who is signed in. The token is held in memory alone: a closed or reloaded page has forgotten it.
import { createStore } from "./store.js";

const VISITOR = { name: null, token: null, expires: null, ended: false, busy: null, refusal: null };

export function createSession({ endpoint, signIn }) {
  const { get, set, subscribe } = createStore(VISITOR);
  let timer;

  function end() {
    clearTimeout(timer);
    if (get().token) set({ ...get(), token: null, ended: true });
  }

  function signOut() {
    clearTimeout(timer);
    set(VISITOR);
  }

  async function enter(login) {
    signOut();
    set({ ...VISITOR, busy: login.name });
    try {
      const token = await tokenFor(login, endpoint, signIn);
      const expires = expiryOf(token);
      if (expires) timer = setTimeout(end, Math.min(expires - Date.now(), 2 ** 31 - 1));
      set({ ...VISITOR, name: login.name, token, expires });
    } catch (error) {
      set({ ...VISITOR, refusal: `${login.name}: ${error.message}` });
    }
  }

  const headers = () => (get().token ? { Authorization: `Bearer ${get().token}` } : {});
  return { get, subscribe, enter, signOut, end, headers };
}

async function tokenFor({ variables }, endpoint, { document, token: path }) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query: document, variables }),
  });
  const { data, errors } = await response.json();
  const token = path.reduce((value, key) => value?.[key], data);
  if (typeof token === "string") return token;
  const refusals = errors ?? data?.[path[0]]?.userErrors ?? [];
  throw new Error(refusals.map(({ message }) => message).join(" ") || "the sign-in was refused.");
}

// When a token that was just issued ends, in milliseconds; null for one that does not say so. Counted from its issue, since
// this machine's clock may differ from the issuer's.
function expiryOf(token) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    const life = claims.exp * 1000 - (claims.iat * 1000 || Date.now());
    return Number.isFinite(life) ? Date.now() + life : null;
  } catch {
    return null;
  }
}
