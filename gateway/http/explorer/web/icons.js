// Line drawings on a grid of 20, as GraphiQL's own icons are.
import { createElement as h } from "../vendor/vendor.js";

export function icon(path) {
  return function Icon(props) {
    return h("svg", { viewBox: "0 0 20 20", fill: "none", stroke: "currentColor", strokeWidth: 1.5, strokeLinecap: "round", strokeLinejoin: "round", ...props },
      h("path", { d: path }));
  };
}
