// One click a demo login. The token goes along with the operations of every tab that names no other.
import { createElement as h, useEffect, useState, useSyncExternalStore } from "../vendor/vendor.js";
import { icon } from "./icons.js";

export function signInPlugin({ signIn }, session) {
  function Panel() {
    const state = useSyncExternalStore(session.subscribe, session.get);
    return h("section", { className: "panel sign-in", "aria-label": "Sign in" },
      h("h2", null, "Sign in"),
      h(Status, { state }),
      state.refusal && h("p", { className: "notice", role: "alert" }, state.refusal),
      h("ul", null, signIn.logins.map((login) =>
        h("li", { key: login.name },
          h("button", {
            type: "button",
            disabled: state.busy !== null,
            "aria-pressed": login.name === state.name && !state.ended,
            onClick: () => session.enter(login),
          }, login.name, login.name === state.busy && h("span", { className: "description" }, "…"))))),
      state.name && h("button", { type: "button", className: "plain", onClick: session.signOut }, "Sign out"),
      h("p", { className: "hint" },
        "The token goes along with the operations of all tabs, subscriptions too. A tab with an Authorization header of its own keeps that one."));
  }

  function Status({ state }) {
    if (state.ended) {
      return h("p", { className: "notice", role: "alert" }, `The sign-in as ${state.name} has ended. Sign in again.`);
    }
    if (!state.name) return h("p", { className: "status" }, "You ask as a visitor.");
    return h("p", { className: "status" }, "Signed in as ", h("strong", null, state.name), state.expires && h(Remaining, state));
  }

  return { title: "Sign in", icon: icon("M10 10a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4M3.8 17c.6-3 3-4.6 6.2-4.6s5.6 1.6 6.2 4.6"), content: Panel };
}

function Remaining({ expires }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const seconds = Math.max(0, Math.round((expires - now) / 1000));
  return ` · ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
}
