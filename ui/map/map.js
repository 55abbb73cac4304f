// The archive's films on a plane: one canvas, so that a hundred thousand points can be moved; a list of the same films
// for those who cannot see or point. Points are in -1..1; y grows upwards.
const REACH = 12, MARGIN = 22, ZOOM_MOST = 60, ZOOM_STEP = 1.4, STILL = 4, FAINT = 0.12;
const TURNS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const make = (tag, name, parent, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
};
const held = (value, low, high) => Math.min(Math.max(value, low), high);

const outline = (pen, shape, at, size) => { // triangle, square, circle, cross
  pen.beginPath();
  if (shape === 0) {
    pen.moveTo(at, at - 1.25 * size);
    pen.lineTo(at + 1.15 * size, at + 0.8 * size);
    pen.lineTo(at - 1.15 * size, at + 0.8 * size);
    pen.closePath();
  } else if (shape === 1) pen.rect(at - 0.9 * size, at - 0.9 * size, 1.8 * size, 1.8 * size);
  else if (shape === 2) pen.arc(at, at, size, 0, 2 * Math.PI);
  else {
    pen.moveTo(at - size, at - size);
    pen.lineTo(at + size, at + size);
    pen.moveTo(at + size, at - size);
    pen.lineTo(at - size, at + size);
  }
};

const stamp = (colour, shape, size, scale, other) => {
  const made = document.createElement("canvas"), side = Math.ceil(2 * (1.3 * size + 2) * scale), at = side / scale / 2;
  made.width = made.height = side;
  const pen = made.getContext("2d");
  pen.scale(scale, scale);
  outline(pen, shape, at, size);
  if (!colour || shape === 3) {
    Object.assign(pen, { strokeStyle: colour ?? other, lineWidth: 1.5 });
    pen.stroke();
  } else {
    Object.assign(pen, { fillStyle: colour, strokeStyle: "#0e1113", lineWidth: 1 });
    pen.fill();
    pen.stroke();
  }
  return made;
};

export default function ({ parentElement, data, setTriggerValue }) {
  const map = (parentElement.caselinkMap ??= new FilmMap(parentElement));
  map.send = (film) => setTriggerValue("film", film);
  map.show(data);
  return () => map.leave();
}

class FilmMap {
  constructor(parent) {
    this.root = make("div", "cl-map", parent);
    this.sized = new ResizeObserver(() => this.paint());
    this.view = { zoom: 1, x: 0, y: 0 };
  }

  leave() { this.sized.disconnect(); }

  show(data) {
    const same = JSON.stringify([data.version, data.film.length, data.words]);
    this.data = data;
    if (this.same !== same) {
      this.same = same;
      this.only = null;
      this.at = null;
      this.build();
    }
    this.sized.observe(this.frame);
    this.chosen = data.film.indexOf(data.chosen);
    this.list.value = this.chosen < 0 ? "" : String(this.chosen);
    if (this.at === null && this.chosen >= 0) this.at = this.chosen;
    this.paint();
  }

  build() {
    const { words, entities, shapes } = this.data;
    this.root.replaceChildren();
    this.frame = make("div", "cl-map-frame", this.root);
    this.canvas = make("canvas", "", this.frame);
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", words.alt);
    this.tip = make("p", "cl-map-tip", this.frame);
    this.tip.hidden = true;
    const zoom = make("div", "cl-map-zoom", this.frame);
    for (const [text, label, act] of [
      ["+", words.larger, () => this.zoom(ZOOM_STEP)],
      ["−", words.smaller, () => this.zoom(1 / ZOOM_STEP)],
      ["⤢", words.reset, () => this.whole()],
    ]) {
      const button = make("button", "cl-tool", zoom, text);
      Object.assign(button, { type: "button", title: label });
      button.setAttribute("aria-label", label);
      button.addEventListener("click", act);
    }
    this.heard = make("p", "cl-map-heard", this.root);
    this.heard.setAttribute("role", "status");
    this.legend(entities, shapes, words);
    const listed = make("div", "cl-map-list", this.root), label = make("label", "", listed, words.film);
    this.list = make("select", "", listed);
    this.list.id = label.htmlFor = "cl-map-films";
    this.list.addEventListener("change", () => { if (this.list.value !== "") this.choose(Number(this.list.value)); });
    this.options();
    make("p", "cl-keys", this.root, words.keys);
    this.listen();
  }

  legend(entities, shapes, words) {
    const group = make("div", "cl-map-legend", this.root);
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", words.entities);
    this.buttons = entities.map((entity, code) => {
      const button = make("button", "cl-tool", group);
      button.type = "button";
      const swatch = make("i", entity.colour ? "" : "cl-hollow", button);
      swatch.style.color = entity.colour ?? this.data.other;
      make("span", "", button, entity.name);
      make("small", "", button, entity.films);
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => this.narrow(this.only === code ? null : code));
      return button;
    });
    const marks = make("p", "cl-map-shapes", this.root, words.shapes);
    const there = new Set(this.data.shape);
    shapes.forEach((name, shape) => {
      if (!there.has(shape)) return;
      const one = make("span", "", marks);
      one.append(stamp(this.data.other, shape, 4.5, 2, this.data.other));
      one.append(name);
    });
  }

  narrow(code) {
    this.only = code;
    this.buttons.forEach((button, at) => button.setAttribute("aria-pressed", at === code));
    this.options();
    this.paint();
  }

  options() {
    const { film, entity, words } = this.data, kept = document.createDocumentFragment();
    const first = make("option", "", kept, words.choose);
    first.value = "";
    for (let at = 0; at < film.length; at += 1) {
      if (this.only !== null && entity[at] !== this.only) continue;
      make("option", "", kept, this.line(at)).value = at;
    }
    this.list.replaceChildren(kept);
    this.list.value = this.chosen === undefined || this.chosen < 0 ? "" : String(this.chosen);
  }

  line(at) {
    const { film, entities, entity, places, place, dates, date, words } = this.data;
    const told = { film: film[at], entity: entities[entity[at]].name, place: places[place[at]], date: dates[date[at]] };
    return words.option.replace(/<(\w+)>/g, (_, name) => told[name]);
  }

  stamps(scale) {
    const { entities, other } = this.data, size = this.data.film.length > 4000 ? 3 : 4.5;
    const key = `${scale} ${size} ${entities.length}`;
    if (this.stamped !== key) {
      this.stamped = key;
      this.stamp = entities.map(({ colour }) => [0, 1, 2, 3].map((shape) => stamp(colour, shape, size, scale, other)));
    }
    return this.stamp;
  }

  // of a point, in pixels of the frame
  place(at) {
    const { zoom, x, y } = this.view;
    return [this.wide / 2 + (this.data.x[at] - x) * this.unit * zoom, this.high / 2 - (this.data.y[at] - y) * this.unit * zoom];
  }

  paint() {
    const wide = this.frame?.clientWidth, high = this.frame?.clientHeight;
    if (!wide || !high) return;
    const scale = window.devicePixelRatio || 1, { canvas, data } = this;
    Object.assign(this, { wide, high });
    if (canvas.width !== Math.round(wide * scale) || canvas.height !== Math.round(high * scale)) {
      Object.assign(canvas, { width: Math.round(wide * scale), height: Math.round(high * scale) });
    }
    this.fit();
    this.frame.style.touchAction = this.view.zoom > 1 ? "none" : "pan-y";
    const pen = canvas.getContext("2d"), stamps = this.stamps(scale), half = stamps[0]?.[0].width / 2;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    for (const mine of this.only === null ? [null] : [false, true]) {
      pen.globalAlpha = mine === false ? FAINT : 0.9;
      for (let at = 0; at < data.film.length; at += 1) {
        if (mine !== null && (data.entity[at] === this.only) !== mine) continue;
        const [x, y] = this.place(at);
        if (x < -9 || y < -9 || x > wide + 9 || y > high + 9) continue;
        pen.drawImage(stamps[data.entity[at]][data.shape[at]], Math.round(x * scale - half), Math.round(y * scale - half));
      }
    }
    pen.globalAlpha = 1;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.ring(pen, this.chosen, 10, 3);
    if (this.at !== this.chosen) this.ring(pen, this.at, 8, 1.5);
    this.hint();
  }

  // the plane fills the frame along the axis that would leave it first
  fit() {
    if (!this.far) {
      const reach = (values) => values.reduce((far, value) => Math.max(far, Math.abs(value)), 1e-6);
      this.far = [reach(this.data.x), reach(this.data.y)];
    }
    this.unit = Math.min((this.wide / 2 - MARGIN) / this.far[0], (this.high / 2 - MARGIN) / this.far[1]);
  }

  ring(pen, at, size, width) {
    if (at === null || at === undefined || at < 0) return;
    const [x, y] = this.place(at);
    pen.beginPath();
    pen.arc(x, y, size, 0, 2 * Math.PI);
    Object.assign(pen, { strokeStyle: "#0e1113", lineWidth: width + 2 });
    pen.stroke();
    Object.assign(pen, { strokeStyle: "#ffffff", lineWidth: width });
    pen.stroke();
  }

  hint() {
    const shown = this.at !== null && this.at >= 0;
    this.tip.hidden = !shown;
    if (!shown) return;
    const [x, y] = this.place(this.at);
    this.tip.textContent = this.line(this.at);
    this.tip.style.left = "0"; // a tip near the right edge would be measured narrower than it may be
    const across = this.tip.offsetWidth, down = this.tip.offsetHeight;
    this.tip.style.left = `${held(x - across / 2, 4, Math.max(4, this.wide - across - 4))}px`;
    this.tip.style.top = `${y - down - 14 < 4 ? y + 14 : y - down - 14}px`;
    if (x < 0 || y < 0 || x > this.wide || y > this.high) this.tip.hidden = true;
  }

  nearest(x, y, reach, ahead) {
    let best = -1, least = reach;
    for (let at = 0; at < this.data.film.length; at += 1) {
      if (this.only !== null && this.data.entity[at] !== this.only) continue;
      const [px, py] = this.place(at), far = Math.hypot(px - x, py - y);
      if (far < least && (!ahead || (at !== this.at && ahead(px - x, py - y)))) [best, least] = [at, far];
    }
    return best;
  }

  choose(at) {
    Object.assign(this, { chosen: at, at });
    this.list.value = String(at);
    this.bring(at);
    this.paint();
    this.send(this.data.film[at]);
    if (matchMedia("(max-width: 640px)").matches) {
      setTimeout(() => document.querySelector(".st-key-looked")?.scrollIntoView({ block: "start" }), 700);
    }
  }

  // a point that is chosen from the list may lie outside what is seen
  bring(at) {
    const [x, y] = this.place(at);
    if (x > 0 && y > 0 && x < this.wide && y < this.high) return;
    Object.assign(this.view, { x: this.data.x[at], y: this.data.y[at] });
  }

  whole() { this.view = { zoom: 1, x: 0, y: 0 }; this.paint(); }

  // about a place of the frame, which stays where it is
  zoom(by, [px, py] = this.at !== null && this.at >= 0 ? this.place(this.at) : [this.wide / 2, this.high / 2]) {
    const { view } = this, zoom = held(view.zoom * by, 1, ZOOM_MOST);
    if (zoom === 1) return this.whole();
    const shift = (1 / view.zoom - 1 / zoom) / this.unit;
    view.x += (px - this.wide / 2) * shift;
    view.y -= (py - this.high / 2) * shift;
    view.zoom = zoom;
    this.paint();
  }

  listen() {
    const on = (name, act) => this.canvas.addEventListener(name, act);
    const spot = (event) => {
      const frame = this.canvas.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    };
    on("pointerdown", (event) => {
      this.from = { spot: spot(event), moved: 0 };
      this.canvas.setPointerCapture(event.pointerId);
    });
    on("pointermove", (event) => this.moved(spot(event), event.pointerType === "mouse"));
    on("pointerup", (event) => {
      const still = this.from && this.from.moved <= STILL, at = still ? this.nearest(...spot(event), 2 * REACH) : -1;
      this.from = null;
      if (at >= 0) this.choose(at);
    });
    on("pointercancel", () => { this.from = null; });
    on("pointerleave", () => { if (!this.from) this.step(null); });
    on("wheel", (event) => {
      if (!event.ctrlKey && document.activeElement !== this.canvas) return; // a page is scrolled over the map
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, spot(event));
    });
    on("keydown", (event) => this.pressed(event));
  }

  moved([x, y], hovers) {
    if (!this.from) {
      if (hovers) this.step(this.nearest(x, y, REACH));
      return;
    }
    const [fromX, fromY] = this.from.spot;
    this.from.moved += Math.hypot(x - fromX, y - fromY);
    this.from.spot = [x, y];
    if (this.view.zoom === 1 || this.from.moved <= STILL) return;
    this.view.x -= (x - fromX) / this.unit / this.view.zoom;
    this.view.y += (y - fromY) / this.unit / this.view.zoom;
    this.paint();
  }

  step(at) {
    const next = at === null || at < 0 ? null : at;
    if (next === this.at) return;
    this.at = next;
    this.paint();
  }

  pressed(event) {
    const turn = TURNS[event.key];
    const acts = { "+": () => this.zoom(ZOOM_STEP), "-": () => this.zoom(1 / ZOOM_STEP), 0: () => this.whole() };
    const chooses = ["Enter", " "].includes(event.key) && this.at !== null && this.at >= 0;
    if (event.ctrlKey || event.metaKey || event.altKey || !(turn || acts[event.key] || chooses)) return;
    event.preventDefault();
    event.stopPropagation(); // Streamlit has keys of its own
    if (chooses) return this.choose(this.at);
    if (!turn) return acts[event.key]();
    const [x, y] = this.at === null || this.at < 0 ? [this.wide / 2, this.high / 2] : this.place(this.at);
    const [dx, dy] = turn;
    const ahead = (px, py) => px * dx + py * dy > 0 && Math.abs(px * dy - py * dx) <= px * dx + py * dy;
    const first = this.at === null || this.at < 0;
    const next = this.nearest(x, y, Infinity, first ? undefined : ahead);
    if (next < 0) return;
    this.bring(next);
    this.step(next);
    this.heard.textContent = this.line(next);
  }
}
