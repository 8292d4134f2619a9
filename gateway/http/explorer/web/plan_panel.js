// The plan of the last run: which subgraph was asked for what, after what, and when.
import { createElement as h, parse, print, useState, useSyncExternalStore } from "../vendor/vendor.js";
import { icon } from "./icons.js";
import { BOX, curve, layOut } from "./plan_layout.js";

export function planPlugin(lastRun) {
  function Panel() {
    const plan = useSyncExternalStore(lastRun.subscribe, lastRun.get);
    return h("section", { className: "panel plan", "aria-label": "Query plan" },
      h("h2", null, "Query plan"),
      plan
        ? plan.fetches.length
          ? h(Plan, { plan, key: plan.fetches.map(({ document }) => document).join() })
          : h("p", { className: "status" }, "No subgraph had to be asked.")
        : h("p", { className: "status" }, "Run an operation: which subgraphs it asks, in which order and for how long, is drawn here."));
  }
  return { title: "Query plan", icon: icon("M7 3.5h6v4H7zM2.5 12.5h6v4h-6zM11.5 12.5h6v4h-6zM10 7.5v2.5M5.5 12.5V10h9v2.5"), content: Panel };
}

function Plan({ plan }) {
  const [selected, select] = useState(plan.fetches[0].id);
  const parts = plan.deferred ?? [];
  const fetches = plan.fetches.map((fetch) => placed(fetch, parts, plan.open));
  const { width, height, depth, boxes, arrows } = layOut(fetches);
  const fetch = fetches.find(({ id }) => id === selected) ?? fetches[0];
  const many = fetches.length > 1;
  return h("div", null,
    h("p", { className: "status" },
      `${plan.kind} · ${fetches.length} ${many ? "fetches" : "fetch"} in ${depth} ${depth > 1 ? "steps" : "step"} · ${ms(plan.elapsed)}`),
    h("div", { className: "graph" },
      h("svg", { style: { maxWidth: width, minWidth: width * 0.75 }, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Fetch graph" },
        h("defs", null, h("marker", { id: "tip", viewBox: "0 0 8 8", refX: 4, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
          h("path", { d: "M1 1l5 3-5 3", className: "tip" }))),
        arrows.map((arrow) => h("path", {
          key: `${arrow.from.fetch.id}-${arrow.to.fetch.id}`, d: curve(arrow), className: "arrow", markerEnd: "url(#tip)",
          "data-near": [arrow.from.fetch.id, arrow.to.fetch.id].includes(fetch.id),
        })),
        boxes.map((box) => h(Box, { key: box.fetch.id, box, elapsed: plan.elapsed, chosen: box.fetch === fetch, select })))),
    parts.length > 0 && h("ol", { className: "parts", "aria-label": "Deferred parts" }, parts.map((part) => h(Part, { part, key: part.number }))),
    h(Details, { fetch }));
}

// A fetch belongs to the first deferred part that waits for it.
function placed(fetch, parts, open) {
  const part = parts.find(({ fetches }) => fetches.includes(fetch.id));
  return part ? { ...fetch, part: part.number, awaited: open && !fetch.runs.length } : fetch;
}

function Part({ part: { label, path, within, after, fetches } }) {
  return h("li", null, "deferred ", label && h("b", null, `${label} `), within && `within ${within} `, after && `after ${after.join(", ")} `, "at ",
    h("span", { className: "places" }, path || "the root"),
    h("span", { className: "description" }, fetches.length ? `, fetch ${fetches.join(", ")}` : ", fetched with the rest"));
}

function Box({ box: { fetch, x, y }, elapsed, chosen, select }) {
  const choose = () => select(fetch.id);
  const track = BOX.width - 24;
  const at = (time) => 12 + track * Math.min(1, time / (elapsed || 1));
  return h("g", {
    className: "fetch", transform: `translate(${x} ${y})`, role: "button", tabIndex: 0, "aria-pressed": chosen,
    "aria-label": `${fetch.subgraph}: ${said(fetch)}${counted(fetch)}${deferred(fetch)}`, "data-outcome": outcome(fetch),
    "data-deferred": "part" in fetch, onClick: choose,
    onKeyDown: (event) => (event.key === "Enter" || event.key === " ") && choose(),
  },
    h("rect", { className: "box", width: BOX.width, height: BOX.height, rx: 8 }),
    h("circle", { cx: 17, cy: 19, r: 4.5, fill: `hsl(${hue(fetch.subgraph)} 55% 55%)` }),
    h("text", { className: "subgraph", x: 28, y: 23 }, fetch.subgraph),
    h("text", { className: "count", x: BOX.width - 12, y: 41 }, entities(fetch) ? `×${entities(fetch)}` : ""),
    h("text", { className: "said", x: 12, y: 41 }, said(fetch)),
    h("rect", { className: "track", x: 12, y: 51, width: track, height: 3, rx: 1.5 }),
    fetch.runs.map(({ start, duration }, number) => h("rect", {
      key: number, className: "bar", x: at(start), y: 51, height: 3, rx: 1.5, width: Math.max(2, at(start + duration) - at(start)),
    })));
}

function Details({ fetch }) {
  return h("div", { className: "details" },
    h("h3", null, fetch.subgraph, h("span", { className: "description" }, ` fetch ${fetch.id}${fetch.after.length ? `, after ${fetch.after.join(", ")}` : ""}${deferred(fetch)}`)),
    fetch.paths && h("p", { className: "places" }, fetch.paths.join("  ")),
    fetch.runs.map((run, number) => h("p", { className: "status", key: number },
      `from ${ms(run.start)} for ${ms(run.duration)}`, run.entities ? ` · ${plural(run.entities)}` : "",
      run.cached ? ` · ${run.cached} from the cache` : "", ` · ${run.outcome}`)),
    h("pre", null, pretty(fetch.document)));
}

function pretty(document) {
  return print(parse(document, { noLocation: true }));
}

function outcome({ kind, runs }) {
  if (kind === "subscription") return "event";
  if (!runs.length) return "unneeded";
  return runs.every(({ outcome: each }) => each === "ok" || each === "cached") ? runs.at(-1).outcome : "failed";
}

function said(fetch) {
  const { runs } = fetch;
  if (outcome(fetch) === "event") return "sent the event";
  if (!runs.length) return fetch.awaited ? "to come" : "not needed";
  if (runs.every(({ outcome: each }) => each === "cached")) return "from the cache";
  const took = ms(Math.max(...runs.map(({ start, duration }) => start + duration)) - runs[0].start);
  return outcome(fetch) === "failed" ? `${took} · failed` : took;
}

const entities = ({ runs }) => runs.reduce((sum, run) => sum + run.entities, 0);

const counted = (fetch) => (entities(fetch) ? `, ${plural(entities(fetch))}` : "");

const deferred = ({ part }) => (part ? `, deferred ${part}` : "");

const plural = (count) => `${count} ${count > 1 ? "entities" : "entity"}`;

const ms = (time) => `${time < 10 ? time.toFixed(1) : Math.round(time)} ms`;

// The same subgraph has the same colour in every plan.
const hue = (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);
