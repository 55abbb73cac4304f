// Films beside each other: window and level, invert, zoom, pan and turn in the browser, and a box drawn with the mouse.
// Film coordinates are pixels of the full film, columns to the right and rows down; edges lie between pixels.
const LEAST = 8; // film pixels; the API takes no smaller region
const ZOOM_MOST = 24, ZOOM_STEP = 1.25, PAN_STEP = 0.06, TONE_STEP = 5;
const USUAL = { level: 50, width: 100, invert: false, zoom: 1, x: 0, y: 0, turn: 0 };
const BARS_MM = [5, 10, 20, 50, 100, 200];

const make = (tag, name, parent, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
};
const held = (value, low, high) => Math.min(Math.max(value, low), high);

export default function ({ parentElement, data, setTriggerValue }) {
  const viewer = (parentElement.caselinkViewer ??= new Viewer(parentElement));
  viewer.send = (name, value) => setTriggerValue(name, value);
  viewer.show(data);
  return () => viewer.leave();
}

class Viewer {
  constructor(parent) {
    this.root = make("div", "cl-viewer", parent);
    this.stages = [];
    this.sized = new ResizeObserver(() => this.paint());
    this.serial = Math.random().toString(36).slice(2);
  }

  leave() { this.sized.disconnect(); }

  show(data) {
    const same = JSON.stringify([data.films.map((film) => film.id), data.words, data.draw, data.fits]);
    this.data = data;
    if (this.same !== same) {
      const looks = new Map(this.stages.map((stage) => [stage.film.id, stage.look]));
      this.same = same;
      // a finger scrolls the page until it is told to draw
      this.tool = data.draw && !matchMedia("(pointer: coarse)").matches ? "draw" : "move";
      this.last = null;
      this.build(looks);
    }
    if (this.asked !== data.fit) this.fit = this.asked = data.fit;
    this.stages.forEach((stage, number) => stage.dress(data.films[number]));
    this.paint();
  }

  build(looks) {
    this.sized.disconnect();
    this.root.replaceChildren();
    this.tools();
    const grid = make("div", `cl-stages cl-s${Math.min(this.data.films.length, 5)}`, this.root);
    const usual = this.apart ? USUAL : [...looks.values()][0]; // a film that joins linked ones looks as they do
    this.stages = this.data.films.map((film, number) => new Stage(this, grid, number, looks.get(film.id) ?? usual));
    this.stages.forEach((stage) => this.sized.observe(stage.frame));
    make("p", "cl-keys", this.root, this.data.words.keys);
  }

  tools() {
    const words = this.data.words;
    const bar = make("div", "cl-tools", this.root);
    bar.setAttribute("role", "toolbar");
    bar.setAttribute("aria-label", words.tools);
    this.level = this.slider(bar, words.level, 0, "level");
    this.width = this.slider(bar, words.width, 5, "width");
    const group = make("div", "cl-buttons", bar);
    this.invert = this.button(group, words.invert, () => this.change((look) => { look.invert = !look.invert; }));
    if (this.data.draw) {
      this.draw = this.button(group, words.draw, () => this.hold("draw"));
      this.move = this.button(group, words.move, () => this.hold("move"));
    }
    this.fits = Object.fromEntries(
      this.data.fits.map((fit) => [fit, this.button(group, words[fit], () => this.refit(fit))]),
    );
    if (this.data.films.length > 1) {
      this.linked = this.button(group, words.linked, () => { this.apart = !this.apart; this.paint(); });
    }
    this.button(group, "−", () => this.zoom(1 / ZOOM_STEP), words.smaller);
    this.button(group, "+", () => this.zoom(ZOOM_STEP), words.larger);
    this.button(group, "⟳", () => this.change((look) => { look.turn = (look.turn + 90) % 360; }), words.turn);
    this.button(group, words.reset, () => this.change((look) => Object.assign(look, USUAL)));
    this.said = make("p", "cl-scale-note", this.root);
    this.said.setAttribute("role", "status");
  }

  slider(bar, label, least, name) {
    const box = make("label", "cl-slider", bar, label);
    const value = make("span", "", box); // no output: the label would name that, and the slider would have no name
    const input = make("input", "", box);
    Object.assign(input, { type: "range", min: least, max: 100, step: 1 });
    input.addEventListener("input", () => this.change((look) => { look[name] = Number(input.value); }));
    return { input, value };
  }

  button(group, text, act, label) {
    const made = make("button", "cl-tool", group, text);
    made.type = "button";
    if (label) { made.setAttribute("aria-label", label); made.title = label; }
    made.addEventListener("click", act);
    return made;
  }

  hold(tool) { this.tool = tool; this.paint(); }

  refit(fit) {
    this.fit = fit;
    for (const { look } of this.stages) Object.assign(look, { zoom: 1, x: 0, y: 0 });
    this.paint();
  }

  // linked films change together; else the one that was touched last
  change(act, stage) {
    const one = stage ?? this.last ?? this.stages[0];
    for (const each of this.apart ? [one] : this.stages) act(each.look);
    this.paint();
  }

  zoom(by, stage, at = [0, 0]) {
    this.change((look) => {
      const next = held(look.zoom * by, 0.25, ZOOM_MOST), grown = next / look.zoom;
      look.x = at[0] + (look.x - at[0]) * grown;
      look.y = at[1] + (look.y - at[1]) * grown;
      look.zoom = next;
    }, stage);
  }

  // the same millimetres across on every film, where all know theirs
  extent() {
    if (this.fit !== "scale" || !this.stages.every((stage) => stage.film.spacing)) return null;
    return Math.max(...this.stages.map((stage) => Math.max(...stage.span(stage.film.focus))));
  }

  paint() {
    if (!this.stages.length) return;
    const { look } = this.last ?? this.stages[0];
    for (const name of ["level", "width"]) {
      this[name].input.value = look[name];
      this[name].value.textContent = ` ${look[name]} %`;
    }
    this.invert.setAttribute("aria-pressed", look.invert);
    this.draw?.setAttribute("aria-pressed", this.tool === "draw");
    this.move?.setAttribute("aria-pressed", this.tool === "move");
    this.linked?.setAttribute("aria-pressed", !this.apart);
    for (const [fit, button] of Object.entries(this.fits)) button.setAttribute("aria-pressed", this.fit === fit);
    const extent = this.extent(), words = this.data.words;
    this.said.textContent = this.fit !== "scale" ? "" : extent ? words.to_scale : words.not_to_scale;
    this.stages.forEach((stage) => stage.paint(extent));
  }
}

class Stage {
  constructor(viewer, grid, number, look) {
    this.viewer = viewer;
    this.look = { ...USUAL, ...look };
    this.pointers = new Map();
    const figure = make("figure", "cl-stage-figure", grid);
    this.frame = make("div", "cl-stage", figure);
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "group");
    const id = `cl-tone-${viewer.serial}-${number}`;
    this.plane = make("div", "cl-plane", this.frame);
    this.plane.innerHTML =
      `<img draggable="false"><img class="cl-tint" draggable="false" hidden>` +
      `<svg aria-hidden="true"><filter id="${id}" color-interpolation-filters="sRGB" x="0" y="0" width="1" height="1">` +
      `<feComponentTransfer><feFuncR type="linear"/><feFuncG type="linear"/><feFuncB type="linear"/>` +
      `</feComponentTransfer></filter><rect class="cl-marked-box"/></svg>`;
    [this.image, this.tint] = this.plane.querySelectorAll("img");
    this.image.style.filter = `url(#${id})`;
    this.tones = this.plane.querySelectorAll("feFuncR, feFuncG, feFuncB");
    this.drawing = this.plane.querySelector("svg");
    this.rect = this.plane.querySelector("rect");
    this.side = make("span", "cl-on-film cl-on-side", this.frame);
    this.key = make("span", "cl-on-film cl-on-key", this.frame);
    this.bar = make("span", "cl-on-film cl-on-bar", this.frame);
    this.caption = make("figcaption", "", figure);
    this.listen();
  }

  dress(film) {
    if (this.image.getAttribute("src") !== film.src) this.image.src = film.src;
    this.film = film;
    this.image.alt = film.alt;
    this.frame.setAttribute("aria-label", film.alt);
    this.side.textContent = film.side;
    this.key.textContent = film.key;
    this.caption.textContent = film.caption;
    this.image.style.width = `${film.columns}px`;
    this.image.style.height = `${film.rows}px`;
    this.drawing.setAttribute("width", film.columns);
    this.drawing.setAttribute("height", film.rows);
    this.tint.hidden = !film.tint;
    if (film.tint) {
      const [x0, y0, x1, y1] = film.tint.box;
      Object.assign(this.tint, { src: film.tint.src, alt: film.tint.alt });
      const place = { left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px` };
      Object.assign(this.tint.style, place, { opacity: film.tint.strength });
    }
    this.outline(film.box ?? film.proposed, !film.box);
  }

  outline(box, dashed) {
    const [x0, y0, x1, y1] = box ?? [0, 0, 0, 0];
    const place = { x: x0, y: y0, width: x1 - x0, height: y1 - y0, visibility: box ? "visible" : "hidden" };
    for (const [name, value] of Object.entries(place)) this.rect.setAttribute(name, value);
    this.rect.classList.toggle("cl-proposed", dashed);
  }

  units() { return this.film.spacing ?? [1, 1]; } // of a row and a column: millimetres, or pixels where none are known

  span([x0, y0, x1, y1]) { return [(x1 - x0) * this.units()[1], (y1 - y0) * this.units()[0]]; }

  matrix(extent) {
    const { look, film, frame } = this, [row, column] = this.units();
    const whole = [0, 0, film.columns, film.rows];
    const seen = this.viewer.fit === "film" ? whole : film.focus;
    let [across, down] = extent ? [extent, extent] : this.span(seen);
    if (look.turn % 180) [across, down] = [down, across];
    this.unit = Math.min(frame.clientWidth / across, frame.clientHeight / down) * look.zoom;
    const middle = (low, high, whole, unit, frame) => {
      const half = frame / (this.unit / look.zoom) / unit / 2; // of what the frame shows before any zoom
      return extent && 2 * half < whole ? held((low + high) / 2, half, whole - half) : extent ? whole / 2 : (low + high) / 2;
    };
    const turned = look.turn % 180, [wide, high] = turned ? [frame.clientHeight, frame.clientWidth] : [frame.clientWidth, frame.clientHeight];
    return new DOMMatrix()
      .translate(frame.clientWidth * (0.5 + look.x), frame.clientHeight * (0.5 + look.y))
      .rotate(look.turn)
      .scale(this.unit * column, this.unit * row)
      .translate(-middle(seen[0], seen[2], film.columns, column, wide), -middle(seen[1], seen[3], film.rows, row, high));
  }

  paint(extent) {
    if (!this.film || !this.frame.clientWidth) return;
    const { level, width, invert, zoom } = this.look;
    const slope = 100 / width, floor = (level - width / 2) / width;
    for (const tone of this.tones) {
      tone.setAttribute("slope", invert ? -slope : slope);
      tone.setAttribute("intercept", invert ? 1 + floor : -floor);
    }
    this.placed = this.matrix(extent);
    this.plane.style.transform = this.placed.toString();
    // the box is as thick on the screen whatever the zoom
    const thick = 2 / (this.unit * this.units()[1]);
    this.rect.style.strokeWidth = thick;
    this.rect.style.strokeDasharray = this.rect.classList.contains("cl-proposed") ? `${4 * thick} ${2.5 * thick}` : "";
    const drawing = this.viewer.tool === "draw";
    this.frame.classList.toggle("cl-drawing", drawing);
    this.frame.style.touchAction = drawing || zoom > 1 ? "none" : "pan-y";
    this.ruler();
  }

  ruler() {
    const long = this.film.spacing && BARS_MM.findLast((mm) => mm * this.unit < this.frame.clientWidth / 3);
    this.bar.hidden = !long;
    if (!long) return;
    this.bar.style.width = `${long * this.unit}px`;
    this.bar.textContent = long < 10 ? `${long} mm` : `${long / 10} cm`;
  }

  at(event) {
    // a browser draws a frame at whole pixels, wherever the layout puts it
    const frame = this.frame.getBoundingClientRect(), [left, top] = [Math.round(frame.left), Math.round(frame.top)];
    return [event.clientX - left - this.frame.clientLeft, event.clientY - top - this.frame.clientTop];
  }

  film_at(event) {
    const [x, y] = this.at(event), point = new DOMPoint(x, y).matrixTransform(this.placed.inverse());
    return [held(Math.round(point.x), 0, this.film.columns), held(Math.round(point.y), 0, this.film.rows)];
  }

  share(event) {
    const [x, y] = this.at(event);
    return [x / this.frame.clientWidth - 0.5, y / this.frame.clientHeight - 0.5];
  }

  listen() {
    const on = (name, act) => this.frame.addEventListener(name, act);
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.moved(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", (event) => { this.pointers.delete(event.pointerId); this.start = null; });
    on("contextmenu", (event) => event.preventDefault());
    on("keydown", (event) => this.pressed(event));
    on("focus", () => { this.viewer.last = this; this.viewer.paint(); });
    // a page is scrolled over films that nobody has clicked yet
    on("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== this.frame) return;
      event.preventDefault();
      this.viewer.zoom(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, this, this.share(event));
    });
  }

  down(event) {
    this.viewer.last = this;
    this.pointers.set(event.pointerId, this.share(event));
    this.frame.setPointerCapture(event.pointerId);
    if (this.pointers.size === 1 && event.button === 0 && this.viewer.tool === "draw") this.start = this.film_at(event);
    else this.start = null;
    this.tone = event.button === 2;
  }

  moved(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = this.share(event), [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    this.pointers.set(event.pointerId, now);
    if (this.pointers.size > 1) return this.pinch(event.pointerId, before, now);
    if (this.start) return this.outline(this.box(event), false);
    const tone = this.tone;
    this.viewer.change((look) => {
      if (tone) {
        look.width = held(look.width + Math.round(100 * dx), 5, 100);
        look.level = held(look.level - Math.round(100 * dy), 0, 100);
      } else { look.x += dx; look.y += dy; }
    }, this);
  }

  pinch(id, before, now) {
    const other = [...this.pointers].find(([each]) => each !== id)[1];
    const far = (point) => Math.hypot(point[0] - other[0], point[1] - other[1]);
    this.start = null;
    if (far(before) > 0.02) this.viewer.zoom(far(now) / far(before), this, other);
  }

  box(event) {
    const [x, y] = this.film_at(event), [x0, y0] = this.start;
    return [Math.min(x, x0), Math.min(y, y0), Math.max(x, x0), Math.max(y, y0)];
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    if (!this.start) return;
    const box = this.box(event);
    this.start = null;
    if (box[2] - box[0] >= LEAST && box[3] - box[1] >= LEAST) this.viewer.send("box", { film: this.film.id, box });
    else this.outline(this.film.box ?? this.film.proposed, !this.film.box);
  }

  pressed(event) {
    const acts = {
      "+": (look) => { look.zoom = Math.min(look.zoom * ZOOM_STEP, ZOOM_MOST); },
      "-": (look) => { look.zoom /= ZOOM_STEP; },
      0: (look) => Object.assign(look, USUAL),
      i: (look) => { look.invert = !look.invert; },
      "[": (look) => { look.level = held(look.level - TONE_STEP, 0, 100); },
      "]": (look) => { look.level = held(look.level + TONE_STEP, 0, 100); },
      ",": (look) => { look.width = held(look.width - TONE_STEP, 5, 100); },
      ".": (look) => { look.width = held(look.width + TONE_STEP, 5, 100); },
      ArrowLeft: (look) => { look.x += PAN_STEP; },
      ArrowRight: (look) => { look.x -= PAN_STEP; },
      ArrowUp: (look) => { look.y += PAN_STEP; },
      ArrowDown: (look) => { look.y -= PAN_STEP; },
    };
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit has keys of its own
    this.viewer.change(act, this);
  }
}
