// A chart of curves with readable axes: a pointer or the arrow keys read it off, and what is read is said in words.
//
//   const chart = new Chart();           chart.root is its element
//   chart.draw({ lines, x, late })       lines: [{ name, group, colour, points: [{ x, y, low, high, best }], dots, faint }]
//
// `x` is a row of AXES. A line with `dots` is drawn through its points, another one smoothed over the points beneath.

import { make } from "./symbols.js";
import { number, word } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 46, RIGHT = 14, TOP = 12, BOTTOM = 34;
const RING = 9;  // pixels around the curves for marks at their edge
const SMOOTH_FROM = 60, WINDOWS = 40;  // points of a curve that is smoothed; how many means it is made of
const STEPS = [1, 2, 2.5, 5, 10], CLOCK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];

// What a curve may be drawn over: the value of a point, its ticks, and its words.
export const AXES = {
  step: { word: "watchByStep", ticks, format: compact, say: (value) => word("watchAtStep", number(value)) },
  seconds: { word: "watchByTime", ticks: clockTicks, format: clock, say: (value) => word("watchAtTime", clock(value)) },
  characters: { word: "watchByCharacters", ticks, format: compact, say: (value) => word("watchAtCharacters", compact(value)) },
};

export const bits = (value) => number(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 });

// Returns a time as a clock shows it: 0:42, 12:03, 1:02:03.
export function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds)), two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export function compact(value) {
  return number(value, { notation: "compact", maximumSignificantDigits: 3 });
}

// Returns round values between two others, about so many.
export function ticks(low, high, about) {
  const rough = Math.max((high - low) / about, 1e-9), power = 10 ** Math.floor(Math.log10(rough));
  return multiples(low, high, STEPS.map((one) => one * power).find((one) => one >= rough) ?? 10 * power);
}

function clockTicks(low, high, about) {
  const rough = (high - low) / about;
  return rough > CLOCK.at(-1) ? ticks(low, high, about) : multiples(low, high, CLOCK.find((one) => one >= rough));
}

function multiples(low, high, step) {
  const values = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) values.push(index * step);
  return values;
}

// Returns the points of a noisy curve as moving means, as many as there were.
export function smoothed(points) {
  if (points.length < SMOOTH_FROM) return points;
  const reach = Math.ceil(points.length / WINDOWS / 2);
  let sum = 0, first = 0, last = 0;
  return points.map((point, index) => {
    while (last < Math.min(points.length, index + reach + 1)) sum += points[last++].y;
    while (first < index - reach) sum -= points[first++].y;
    return { ...point, y: sum / (last - first) };
  });
}

const drawn = (name, attributes = {}, ...children) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

const path = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

// Draws a small curve without axes: what was learnt and what was held out.
export function spark(curve, heldOut, width = 132, height = 34) {
  const all = [...curve, ...heldOut], svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "xMinYMid", class: "spark", "aria-hidden": "true" });
  if (all.length < 2) return svg;
  const [left, right, low, high] = extent(all.map(([x, y]) => ({ x, y })));
  const place = ([x, y]) => [2 + ((x - left) / (right - left)) * (width - 4), 2 + ((high - y) / (high - low)) * (height - 4)];
  if (curve.length) svg.append(drawn("path", { d: path(curve.map(place)), class: "line c1" }));
  if (heldOut.length > 1) svg.append(drawn("path", { d: path(heldOut.map(place)), class: "line c2" }));
  const last = heldOut.length ? place(heldOut.at(-1)) : place(curve.at(-1));
  svg.append(drawn("circle", { cx: last[0], cy: last[1], r: 2.2, class: `dot ${heldOut.length ? "c2" : "c1"}` }));
  return svg;
}

function extent(points) {
  let left = Infinity, right = -Infinity, low = Infinity, high = -Infinity;
  for (const { x, y } of points) {
    left = Math.min(left, x); right = Math.max(right, x);
    low = Math.min(low, y); high = Math.max(high, y);
  }
  if (!(right > left)) { left -= 0.5; right += 0.5; }
  if (!(high > low)) { low -= 0.05; high += 0.05; }
  return [left, right, low, high];
}

// Returns the index of the point whose x is nearest.
function nearest(points, x) {
  let low = 0, high = points.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (points[middle].x < x) low = middle; else high = middle;
  }
  return Math.abs(points[low].x - x) <= Math.abs(points[high].x - x) ? low : high;
}

export class Chart {
  at = null;  // the x that is read; null for the newest
  shown = null;

  constructor() {
    this.svg = drawn("svg", { class: "curves", "aria-hidden": "true" });
    this.hand = make("div", { className: "hand", tabIndex: 0, role: "slider", "aria-orientation": "horizontal" }, this.svg);
    this.readout = make("p", { className: "readout" });
    this.root = make("div", { className: "chart" }, this.hand, this.readout);
    this.hand.addEventListener("pointermove", (event) => this.point(event));
    this.hand.addEventListener("pointerdown", (event) => this.point(event));
    this.hand.addEventListener("pointerleave", () => document.activeElement !== this.hand && this.read(null));
    this.hand.addEventListener("blur", () => this.read(null));
    this.hand.addEventListener("keydown", (event) => this.press(event));
    new ResizeObserver(() => this.shown && this.draw(this.shown)).observe(this.hand);
  }

  draw(shown) {
    this.shown = shown;
    const { lines, x, late = false } = shown, width = this.hand.clientWidth, height = this.hand.clientHeight;
    const full = lines.filter((line) => line.points.length);
    if (!full.length || width < LEFT + RIGHT + 20) return void this.svg.replaceChildren();
    this.smooth = full.map((line) => ({ ...line, points: line.dots ? line.points : smoothed(line.points) }));
    let seen = this.smooth.flatMap((line) => line.points);
    if (late) {
      const [left, right] = extent(seen);
      seen = seen.filter((point) => point.x >= (left + right) / 2);
    }
    const [left, right, low, high] = extent(seen), room = (high - low) * 0.06;
    const [floor, roof] = [low - room, high + room];
    this.place = {
      x: (value) => LEFT + ((value - left) / (right - left)) * (width - LEFT - RIGHT),
      y: (value) => TOP + ((roof - value) / (roof - floor)) * (height - TOP - BOTTOM),
      back: (pixel) => left + ((pixel - LEFT) / (width - LEFT - RIGHT)) * (right - left),
      left, right,
    };
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const [edge, across, down] = [LEFT - RING, width - LEFT - RIGHT + 2 * RING, height - BOTTOM + RING];
    const clip = drawn("svg", { x: edge, y: 0, width: across, height: down, viewBox: `${edge} 0 ${across} ${down}` });
    this.cursor = drawn("g");
    this.svg.replaceChildren(this.axes(x, width, height, floor, roof), clip);
    clip.append(...full.flatMap((line, index) => this.curve(line, this.smooth[index])), this.cursor);
    this.stops = [...new Set(seen.map((point) => point.x))].sort((first, second) => first - second);
    this.hand.setAttribute("aria-valuemin", left);
    this.hand.setAttribute("aria-valuemax", right);
    this.read(this.at);
  }

  axes(x, width, height, floor, roof) {
    const group = drawn("g", { class: "axes" }), bottom = height - BOTTOM;
    for (const value of ticks(floor, roof, Math.max(2, height / 60))) {
      const y = this.place.y(value), text = number(value, { maximumFractionDigits: 3 });
      group.append(drawn("line", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y }), drawn("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, text));
    }
    for (const value of x.ticks(this.place.left, this.place.right, Math.max(2, width / 75)))
      group.append(drawn("text", { x: this.place.x(value), y: bottom + 20, "text-anchor": "middle" }, x.format(value)),
        drawn("line", { x1: this.place.x(value), x2: this.place.x(value), y1: bottom, y2: bottom + 5, class: "tick" }));
    return group;
  }

  curve(line, smooth) {
    const { x, y } = this.place, colour = `c${line.colour}`, spots = (points, key = "y") => points.map((one) => [x(one.x), y(one[key])]);
    if (line.dots) {
      const rings = line.points.length > 80 ? [] : spots(line.points).map(([cx, cy]) => drawn("circle", { cx, cy, r: 3, class: `dot ${colour}` }));
      const best = line.points.filter((one) => one.best).at(-1);
      const mark = best ? [drawn("circle", { cx: x(best.x), cy: y(best.y), r: 6.5, class: `ring ${colour}` })] : [];
      return [drawn("path", { d: path(spots(line.points)), class: `line ${colour}` }), ...rings, ...mark];
    }
    const parts = [drawn("path", { d: path(spots(smooth.points)), class: `line ${colour} ${line.faint ? "faint" : ""}` })];
    if (line.faint) return parts;
    if (smooth.points !== line.points) parts.unshift(drawn("path", { d: path(spots(line.points)), class: `raw ${colour}` }));
    if (line.points.some((one) => one.high > one.low))
      parts.unshift(drawn("path", { d: `${path([...spots(line.points, "high"), ...spots(line.points, "low").reverse()])}Z`, class: `band ${colour}` }));
    return parts;
  }

  // Reads all curves at an x, or at their ends.
  read(at) {
    this.at = at;
    if (!this.smooth?.length || !this.place) return;
    const { lines, x } = this.shown, end = this.stops.at(-1), here = at === null ? end : Math.min(Math.max(at, this.stops[0]), end);
    const slack = (end - this.stops[0]) / 50;  // a curve says nothing of what is beyond its ends
    const found = this.smooth.map((line) => ({ line, point: at === null ? line.points.at(-1) : line.points[nearest(line.points, here)] }))
      .filter(({ line, point }) => at === null || line.dots || Math.abs(point.x - here) <= slack)
      .filter(({ line }) => at === null || here <= line.points.at(-1).x + slack);
    const words = [];
    for (const { line, point } of found) {  // curves of one run are read together
      const text = `${line.name} ${bits(point.y)}`, same = line.group && words.find((one) => one.group === line.group);
      if (same) same.text += `, ${text}`;
      else words.push({ colour: line.colour, group: line.group, text: line.group ? `${line.group}: ${text}` : text });
    }
    const where = at === null ? word("watchAtEnd") : x.say(here);
    this.readout.replaceChildren(make("span", { className: "where" }, where),
      ...words.map(({ colour, text }) => make("span", { className: `value c${colour}` }, text)));
    this.hand.setAttribute("aria-valuenow", here);
    this.hand.setAttribute("aria-valuetext", `${where}: ${words.map((one) => one.text).join("; ")}`);
    this.hand.setAttribute("aria-label", word("watchChart", [...new Set(lines.map((line) => line.group ?? line.name))].join(", ")));
    if (at === null) return void this.cursor.replaceChildren();
    const across = this.place.x(here);
    this.cursor.replaceChildren(drawn("line", { x1: across, x2: across, y1: TOP, y2: this.hand.clientHeight - BOTTOM, class: "cursor" }),
      ...found.map(({ line, point }) => drawn("circle", { cx: this.place.x(point.x), cy: this.place.y(point.y), r: 4, class: `dot c${line.colour}` })));
  }

  point(event) {
    if (!this.stops?.length) return;
    const x = this.place.back(event.clientX - this.hand.getBoundingClientRect().left);
    this.read(this.stops[nearest(this.stops.map((stop) => ({ x: stop })), x)]);
  }

  press(event) {
    if (!this.stops?.length) return;
    const last = this.stops.length - 1, page = Math.max(1, Math.round(last / 10));
    const here = this.at === null ? last : nearest(this.stops.map((x) => ({ x })), this.at);
    const moves = { ArrowLeft: here - 1, ArrowRight: here + 1, ArrowDown: here - 1, ArrowUp: here + 1, PageDown: here - page, PageUp: here + page, Home: 0, End: last };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.read(this.stops[Math.min(last, Math.max(0, moves[event.key]))]);
  }
}
