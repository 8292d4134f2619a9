// Puts the page together: GraphiQL, with panels of our own beside its documentation and history.
import {
  GraphiQL, createElement as h, createLocalStorage, createRoot, useEffect, usePluginStore, useSyncExternalStore,
} from "../vendor/vendor.js";
import { examplesPlugin, tabOf } from "./examples_panel.js";
import { createFetcher } from "./fetcher.js";
import { planPlugin } from "./plan_panel.js";
import { createSession } from "./session.js";
import { signInPlugin } from "./sign_in_panel.js";
import { createStore } from "./store.js";

const settings = JSON.parse(document.getElementById("settings").textContent);

// The dialogs' library looks for the page's nonce here when it adds a style element.
globalThis.__webpack_nonce__ = document.querySelector("script[nonce]").nonce;

const storage = createLocalStorage({ namespace: "explorer" });
const isFirstVisit = storage.getItem("graphiql:tabState") === null;
if (isFirstVisit) storage.setItem("graphiql:docExplorerFlex", "0.42");

const session = createSession(settings);
const lastRun = createStore(null);
const plugins = [
  ...(settings.examples.length ? [examplesPlugin(settings)] : []),
  ...(settings.signIn ? [signInPlugin(settings, session)] : []),
  ...(settings.plan ? [planPlugin(lastRun)] : []),
];

function showPanel(title) {
  document.querySelector(`.graphiql-sidebar button[aria-label="Show ${title}"]`)?.click();
}

function Badge() {
  const { name, ended } = useSyncExternalStore(session.subscribe, session.get);
  const text = ended ? `${name}: ended` : (name ?? "Visitor");
  const state = ended ? "ended" : name ? "signed-in" : "visitor";
  return h("button", { type: "button", className: "badge", "data-state": state, onClick: () => showPanel("Sign in") }, text);
}

// A newcomer finds something to run. GraphiQL knows its panels only once it stands.
function Welcome() {
  const { plugins: known } = usePluginStore();
  useEffect(() => {
    if (known.length) showPanel("Examples");
  }, [known.length]);
  return null;
}

const logo = h(GraphiQL.Logo, null, h("span", { className: "title" }, settings.title), settings.signIn && h(Badge));

createRoot(document.getElementById("explorer")).render(
  h(GraphiQL, {
    fetcher: createFetcher({ settings, session, lastRun }),
    plugins,
    storage,
    defaultTabs: settings.examples.length ? [tabOf(settings, settings.examples[0])] : undefined,
    defaultQuery: "",
    inputValueDeprecation: true,
    schemaDescription: true,
    shouldPersistHeaders: false,
  }, logo, isFirstVisit && h(Welcome)),
);
