// Where the boxes of a plan stand: a fetch one row below the lowest of those it waits for.
export const BOX = { width: 134, height: 62 };
const GAP = { x: 12, y: 34 };
const MARGIN = 4;

export function layOut(fetches) {
  const rows = inRows(fetches);
  const widest = Math.max(...rows.map((row) => row.length));
  const width = widest * (BOX.width + GAP.x) - GAP.x + 2 * MARGIN;
  const boxes = new Map();
  rows.forEach((row, depth) => {
    arrange(row, boxes);
    const used = row.length * (BOX.width + GAP.x) - GAP.x;
    row.forEach((fetch, place) => {
      const x = (width - used) / 2 + place * (BOX.width + GAP.x);
      boxes.set(fetch.id, { fetch, x, y: MARGIN + depth * (BOX.height + GAP.y) });
    });
  });
  const arrows = fetches.flatMap((fetch) => fetch.after.map((id) => ({ from: boxes.get(id), to: boxes.get(fetch.id) })));
  return { width, height: rows.length * (BOX.height + GAP.y) - GAP.y + 2 * MARGIN, depth: rows.length, boxes: [...boxes.values()], arrows };
}

function inRows(fetches) {
  const afterOf = new Map(fetches.map(({ id, after }) => [id, after]));
  const known = new Map();
  const rowOf = (id) => {
    if (!known.has(id)) known.set(id, 1 + Math.max(-1, ...afterOf.get(id).map(rowOf)));
    return known.get(id);
  };
  const rows = [];
  for (const fetch of fetches) (rows[rowOf(fetch.id)] ??= []).push(fetch);
  return rows;
}

// Below those they wait for, so that few arrows cross.
function arrange(row, boxes) {
  const centre = ({ after }) => after.reduce((sum, id) => sum + boxes.get(id).x, 0) / (after.length || 1);
  row.sort((one, other) => centre(one) - centre(other) || one.id - other.id);
}

export function curve({ from, to }) {
  const [x1, y1, x2, y2] = [from.x + BOX.width / 2, from.y + BOX.height, to.x + BOX.width / 2, to.y];
  const middle = (y1 + y2) / 2;
  return `M${x1} ${y1}C${x1} ${middle} ${x2} ${middle} ${x2} ${y2 - 5}`;
}
