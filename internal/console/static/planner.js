// The floor-plan editor. The tables of the form hold every place; this draws
// them and writes into them what pointer and keys do. What is sent is the form.
const svg = document.getElementById("plan");
const form = document.getElementById("places");
if (svg && form) start();

function start() {
  const NS = "http://www.w3.org/2000/svg";
  const height = Number(svg.dataset.height);
  const say = document.getElementById("strings").dataset;
  const live = document.getElementById("says");
  const snap = document.getElementById("snap");
  const chosen = document.getElementById("tool-area");
  const undoButton = document.getElementById("undo");
  const handles = document.getElementById("handles");
  const pins = document.getElementById("pins");
  const spots = document.getElementById("place-rows");
  const blank = spots.querySelector("[data-spot].spare").cloneNode(true);
  const past = []; // what the form had, newest last
  let tool = null; // the polygon or rectangle being drawn
  let sent = false;

  const down = (y) => (y * height) / 1000;
  const field = (name) => form.elements.namedItem(name);
  const clamp = (n) => Math.max(0, Math.min(1000, Math.round(n)));
  const grid = (n) => clamp(snap.checked ? Math.round(n / 10) * 10 : n);
  const tell = (text) => (live.textContent = text);
  const areaOf = (slug) => field("a." + slug);

  function make(name, attributes, ...children) {
    const el = document.createElementNS(NS, name);
    for (const [k, v] of Object.entries(attributes)) el.setAttribute(k, v);
    el.append(...children);
    return el;
  }

  // Undo: the whole form as text, before each change.
  const taken = () => JSON.stringify([...form.querySelectorAll("input:not([type=hidden])")].filter((i) => !i.closest("[data-spot]")).map((i) => i.value)
    .concat([[...spots.querySelectorAll("[data-spot]")].map(values)]));
  const values = (row) => [...row.querySelectorAll("input, select")].map((i) => i.value);
  function remember() {
    const now = taken();
    if (past[past.length - 1] !== now) past.push(now);
    if (past.length > 100) past.shift();
    undoButton.disabled = false;
    document.getElementById("unsaved").textContent = say.unsaved;
  }
  function undo() {
    const was = past.pop();
    undoButton.disabled = past.length === 0;
    if (!was) return;
    const list = JSON.parse(was);
    const rows = list.pop();
    [...form.querySelectorAll("input:not([type=hidden])")].filter((i) => !i.closest("[data-spot]")).forEach((i, n) => (i.value = list[n]));
    spots.replaceChildren(...rows.map(spotRow));
    drawAll();
    tell(say.undone);
  }
  function spotRow(list) {
    const row = blank.cloneNode(true);
    row.classList.toggle("spare", !list[2]);
    [...row.querySelectorAll("input, select")].forEach((i, n) => (i.value = list[n]));
    return row;
  }

  // Where the pointer is, in thousandths.
  function where(e) {
    const p = new DOMPoint(e.clientX, e.clientY).matrixTransform(svg.getScreenCTM().inverse());
    return [clamp(p.x), clamp((p.y * 1000) / height)];
  }

  // Something that can be moved: element, where it is, and what to do about it.
  function movable(el, it) {
    el.setAttribute("tabindex", "0");
    el.setAttribute("role", "button");
    el.setAttribute("aria-describedby", "keys-hint");
    const name = () => el.setAttribute("aria-label", it.name() + ": " + it.get().join(", "));
    name();
    const put = (x, y) => {
      it.set(clamp(x), clamp(y));
      name();
    };
    el.addEventListener("pointerdown", (e) => {
      if (tool || e.button) return;
      e.preventDefault();
      e.stopPropagation();
      el.focus();
      let moved = false;
      const [px, py] = where(e);
      const [ox, oy] = it.get();
      el.setPointerCapture(e.pointerId);
      const move = (m) => {
        const [x, y] = where(m);
        if (!moved && Math.abs(x - px) + Math.abs(y - py) < 3) return;
        if (!moved) remember();
        moved = true;
        put(grid(ox + x - px), grid(oy + y - py));
      };
      const up = () => {
        el.removeEventListener("pointermove", move);
        if (moved) drawRooms();
      };
      el.addEventListener("pointermove", move);
      el.addEventListener("pointerup", up, { once: true });
      el.addEventListener("pointercancel", up, { once: true });
    });
    el.addEventListener("keydown", (e) => {
      const by = e.shiftKey ? 25 : 5;
      const step = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[e.key];
      if (step) {
        remember();
        const [x, y] = it.get();
        put(x + step[0], y + step[1]);
        tell(it.name() + ": " + it.get().join(", "));
        drawRooms();
      } else if ((e.key === "Delete" || e.key === "Backspace") && it.remove) {
        remember();
        it.remove();
        tell(say.removed);
      } else if ((e.key === "[" || e.key === "]") && it.turn) {
        remember();
        it.turn(e.key === "[" ? -15 : 15);
      } else return;
      e.preventDefault();
      e.stopPropagation();
    });
  }

  const place = (el, x, y) => el.setAttribute("transform", `translate(${x} ${down(y)})`);

  // Openings: their pins are there, or are made when a row gets a place.
  function drawOpenings() {
    for (const row of form.querySelectorAll("[data-row-of]")) {
      const key = row.dataset.rowOf;
      const x = field(key + ".x"), y = field(key + ".y");
      let pin = pins.querySelector(`[data-pin="${key}"]`);
      if (x.value === "" || y.value === "") {
        pin?.remove();
        continue;
      }
      if (!pin) {
        pin = make("g", { class: "pin tone-calm", "data-pin": key }, make("circle", { class: "focus", r: 21 }), make("circle", { class: "ground", r: 13.5 }),
          make("use", { href: "#i-circle", x: -14, y: -14, width: 28, height: 28 }), make("text", { class: "name", y: 27 }, row.querySelector("th").firstChild.textContent.trim()));
        pins.append(pin);
      }
      place(pin, Number(x.value), Number(y.value));
      if (pin.hasAttribute("tabindex")) continue;
      movable(pin, {
        name: () => row.querySelector("th").firstChild.textContent.trim(),
        get: () => [Number(x.value), Number(y.value)],
        set: (a, b) => {
          x.value = a;
          y.value = Math.max(b, a === 0 ? 1 : 0);
          place(pin, a, b);
        },
      });
    }
  }

  // Cameras and sensors.
  function drawSpots() {
    pins.querySelectorAll(".spot-pin").forEach((el) => el.remove());
    let n = 0;
    for (const row of spots.querySelectorAll("[data-spot]")) {
      const [, kind, name, x, y, turn] = row.querySelectorAll("input, select");
      row.classList.toggle("spare", !name.value);
      if (!name.value) continue;
      n++;
      if (x.value === "" || y.value === "") continue;
      const camera = kind.value === "camera";
      const cone = make("path", { class: "cone", d: "M0 0L-26 -62A67 67 0 0 1 26 -62Z" });
      const turned = () => cone.setAttribute("transform", `rotate(${Number(turn.value) || 0})`);
      turned();
      const pin = make("g", { class: "pin spot-pin tone-order" }, ...(camera ? [cone] : []), make("circle", { class: "focus", r: 18 }), make("circle", { class: "ground", r: 11 }),
        make("circle", { class: "ringed", r: 10 }), make("use", { href: camera ? "#i-nav-camera" : "#i-nav-activity", x: -7, y: -7, width: 14, height: 14 }), make("text", { class: "name", y: 24 }, name.value));
      place(pin, Number(x.value), Number(y.value));
      pins.append(pin);
      movable(pin, {
        name: () => name.value,
        get: () => [Number(x.value), Number(y.value)],
        set: (a, b) => {
          x.value = a;
          y.value = b;
          place(pin, a, b);
        },
        turn: (by) => {
          turn.value = (Number(turn.value) + by + 360) % 360;
          turned();
          tell(name.value + ": " + turn.value + "°");
        },
        remove: () => {
          row.remove();
          drawSpots();
        },
      });
    }
    document.getElementById("places-count").textContent = n;
  }

  function add(kind) {
    remember();
    const n = spots.querySelectorAll("[data-spot]:not(.spare)").length + 1;
    const row = spotRow(["", kind, say[kind] + " " + n, 500, 480, kind === "camera" ? 180 : 0]);
    spots.insertBefore(row, spots.querySelector(".spare"));
    drawSpots();
    [...pins.querySelectorAll(".spot-pin")].pop()?.focus();
  }

  // Outlines.
  const points = (slug) => (areaOf(slug).value.trim().match(/\d+\s*,\s*\d+/g) || []).map((p) => p.split(",").map((n) => clamp(Number(n))));
  const keep = (slug, list) => (areaOf(slug).value = list.map((p) => p.join(",")).join(" "));

  function drawAreas() {
    for (const g of document.querySelectorAll("#areas [data-area]")) {
      const list = points(g.dataset.area);
      g.firstElementChild.setAttribute("points", list.map(([x, y]) => x + "," + down(y)).join(" "));
      const text = g.lastElementChild;
      text.style.display = list.length ? "inline" : "none";
      if (list.length) {
        const [x, y] = list.reduce((a, b) => (b[1] < a[1] || (b[1] === a[1] && b[0] < a[0]) ? b : a));
        text.setAttribute("x", x + 14);
        text.setAttribute("y", down(y));
      }
      g.classList.toggle("chosen", g.dataset.area === chosen.value);
    }
    drawRooms();
    drawHandles();
  }

  // The rooms that the server drew around openings give way to an outline.
  function drawRooms() {
    const outlined = new Set([...chosen.options].filter((o) => areaOf(o.value).value.trim()).map((o) => o.text));
    for (const g of document.querySelectorAll("#rooms .auto")) g.style.display = outlined.has(g.dataset.name) ? "none" : "";
  }

  function drawHandles(focus) {
    handles.replaceChildren();
    const slug = chosen.value;
    if (!slug || tool) return;
    const list = points(slug);
    const shape = () => {
      keep(slug, list);
      const poly = document.querySelector(`#areas [data-area="${CSS.escape(slug)}"] polygon`);
      poly.setAttribute("points", list.map(([x, y]) => x + "," + down(y)).join(" "));
    };
    list.forEach((at, i) => {
      const el = make("circle", { class: "handle", r: 8 });
      place(el, at[0], at[1]);
      handles.append(el);
      movable(el, {
        name: () => `${chosen.selectedOptions[0].text}, ${say.point} ${i + 1}`,
        get: () => at,
        set: (x, y) => {
          at[0] = x;
          at[1] = y;
          place(el, x, y);
          shape();
        },
        remove: () => {
          if (list.length > 3) list.splice(i, 1);
          keep(slug, list);
          drawAreas();
          handles.querySelectorAll(".handle")[Math.max(0, i - 1)]?.focus();
        },
      });
      const next = list[(i + 1) % list.length];
      const between = make("circle", { class: "between", r: 5, tabindex: 0, role: "button", "aria-label": `${say.new}: ${i + 1}–${((i + 1) % list.length) + 1}` });
      place(between, (at[0] + next[0]) / 2, (at[1] + next[1]) / 2);
      const insert = (e) => {
        if (e.type === "keydown" && e.key !== "Enter" && e.key !== " ") return;
        e.preventDefault();
        if (list.length >= 64) return;
        remember();
        list.splice(i + 1, 0, [clamp((at[0] + next[0]) / 2), clamp((at[1] + next[1]) / 2)]);
        keep(slug, list);
        drawAreas();
        handles.querySelectorAll(".handle")[i + 1]?.focus();
      };
      between.addEventListener("click", insert);
      between.addEventListener("keydown", insert);
      handles.append(between);
    });
    if (focus) handles.querySelector(".handle")?.focus();
  }

  // Drawing: a rectangle from corner to corner, a polygon point by point. With
  // the keyboard, a rectangle around the area's openings is there at once.
  function begin(kind, byKey) {
    end();
    if (byKey || kind === "rectangle" && matchMedia("(pointer: coarse)").matches) {
      const room = [...document.querySelectorAll("#rooms .auto")].find((g) => g.dataset.name === chosen.selectedOptions[0]?.text);
      const [l, t, r, b] = room ? room.dataset.box.split(" ").map(Number) : [400, 400, 600, 600];
      remember();
      keep(chosen.value, [[l, t], [r, t], [r, b], [l, b]]);
      drawAreas();
      drawHandles(true);
      return;
    }
    tool = { kind, list: [], line: make("polygon", { class: "drawing" }) };
    handles.replaceChildren(tool.line);
    svg.classList.add("drawing-now");
    document.querySelector(`[data-tool="${kind}"]`).setAttribute("aria-pressed", "true");
    tell(say.draw);
  }
  function end(kept) {
    if (!tool) return;
    const list = tool.list;
    tool = null;
    svg.classList.remove("drawing-now");
    document.querySelectorAll("[data-tool]").forEach((b) => b.removeAttribute("aria-pressed"));
    if (kept && list.length >= 3) {
      remember();
      keep(chosen.value, list);
    }
    drawAreas();
  }
  const show = (list) => tool.line.setAttribute("points", list.map(([x, y]) => x + "," + down(y)).join(" "));
  const box = ([ax, ay], [bx, by]) => [[ax, ay], [bx, ay], [bx, by], [ax, by]];
  svg.addEventListener("pointerdown", (e) => {
    if (!tool || e.button) return;
    e.preventDefault();
    const at = where(e).map(grid);
    if (tool.kind === "rectangle") {
      tool.from = at;
      svg.setPointerCapture(e.pointerId);
    } else if (tool.list.length > 2 && Math.hypot(at[0] - tool.list[0][0], at[1] - tool.list[0][1]) < 15) end(true);
    else {
      tool.list.push(at);
      show(tool.list);
    }
  });
  svg.addEventListener("pointermove", (e) => {
    if (!tool) return;
    const at = where(e).map(grid);
    if (tool.from) show((tool.list = box(tool.from, at)));
    else if (tool.list.length) show([...tool.list, at]);
  });
  svg.addEventListener("pointerup", (e) => {
    if (!tool?.from) return;
    const at = where(e).map(grid);
    end(Math.abs(at[0] - tool.from[0]) > 9 && Math.abs(at[1] - tool.from[1]) > 9);
  });
  svg.addEventListener("dblclick", () => tool && end(true));
  document.getElementById("areas").addEventListener("click", (e) => {
    const g = e.target.closest("[data-area]");
    if (!g || tool) return;
    chosen.value = g.dataset.area;
    drawAreas();
  });

  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key === "z" && !/^(INPUT|TEXTAREA)$/.test(e.target.tagName)) {
      e.preventDefault();
      undo();
    }
    if (!tool) return;
    if (e.key === "Escape") end(false);
    if (e.key === "Enter") end(true);
    if (e.key === "Backspace") show(tool.list.slice(0, -1)), tool.list.pop();
  });
  for (const b of document.querySelectorAll("[data-tool]")) {
    b.addEventListener("click", (e) => {
      if (b.dataset.tool !== "erase") return begin(b.dataset.tool, e.detail === 0);
      end();
      remember();
      keep(chosen.value, []);
      drawAreas();
    });
  }
  for (const b of document.querySelectorAll("[data-add]")) b.addEventListener("click", () => add(b.dataset.add));
  undoButton.addEventListener("click", undo);
  chosen.addEventListener("change", drawAreas);
  let before = null; // the form before numbers are typed
  form.addEventListener("focusin", () => (before = taken()));
  form.addEventListener("change", () => {
    if (before && before !== taken()) {
      past.push(before);
      undoButton.disabled = false;
      document.getElementById("unsaved").textContent = say.unsaved;
      before = taken();
    }
    drawAll();
  });
  form.addEventListener("submit", () => (sent = true));
  addEventListener("beforeunload", (e) => {
    if (past.length && !sent) e.preventDefault();
  });

  function drawAll() {
    drawOpenings();
    drawSpots();
    drawAreas();
  }
  document.getElementById("tools").hidden = false;
  document.getElementById("keys-hint").hidden = false;
  drawAll();
}
