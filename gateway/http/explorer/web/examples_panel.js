// Operations that are ready to run; each opens in a tab of its own.
import { createElement as h, flushSync, useEditorContext } from "../vendor/vendor.js";
import { icon } from "./icons.js";

export function examplesPlugin(settings) {
  function Panel() {
    const { addTab, queryEditor, variableEditor } = useEditorContext({ nonNull: true });

    function open(example) {
      // A tab in which nothing was written yet is as good as a new one.
      if (queryEditor.getValue().trim()) flushSync(addTab);
      const { query, variables } = tabOf(settings, example);
      variableEditor?.setValue(variables);
      queryEditor.setValue(query);
      queryEditor.focus();
    }

    return h("section", { className: "panel examples", "aria-label": "Examples" },
      h("h2", null, "Examples"),
      h("ul", null, settings.examples.map((example) =>
        h("li", { key: example.name },
          h("button", { type: "button", onClick: () => open(example) },
            h("span", { className: "example-name" }, h("span", null, example.name),
              h("span", { className: "kind", "data-kind": example.kind }, example.kind)),
            h("span", { className: "description" }, example.description))))));
  }
  return { title: "Examples", icon: icon("M4 5h12M4 10h12M4 15h8"), content: Panel };
}

export function tabOf({ freshVariables }, example) {
  const fresh = example.variables.filter((name) => freshVariables.includes(name));
  const values = Object.fromEntries(fresh.map((name) => [name, newId()]));
  return { query: example.text, variables: fresh.length ? JSON.stringify(values, null, 2) : "" };
}

// crypto.randomUUID is there on secure origins only, and a gateway on a private network may speak plain HTTP.
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
