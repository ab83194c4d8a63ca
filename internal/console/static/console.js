// What every page can do beyond links and forms: keys to get around, the list
// of keys, and menus that shut when one looks away.
const body = document.body;

// Nothing changes under a finger or a mouse button: a click whose target went
// away between press and release is lost, or lands on what came in its place.
// settled makes a change to a part of the page at once, or once the press inside
// it is over and its click has arrived. A press that is never let go of, such as
// one that ended outside, keeps nothing for long.
const longest = 3000; // milliseconds
let pressed = null; // each press is an object of its own
let owed = [];
window.settled = (part, change) => {
  if (pressed && part.contains(pressed.on)) owed.push(change);
  else change();
};

// release ends a press after a while, unless the next one has begun.
function release(after) {
  const over = pressed;
  setTimeout(() => {
    if (pressed !== over) return;
    pressed = null;
    for (const change of owed.splice(0)) change();
  }, after);
}

addEventListener(
  "pointerdown",
  (e) => {
    if (e.button !== 0) return;
    pressed = { on: e.target };
    release(longest);
  },
  true,
);
for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => release(50), true);

const off = localStorage.getItem("keys") === "off";

function typing(el) {
  return el.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName);
}

// Menus in the head shut with Escape or a click elsewhere.
document.addEventListener("click", (e) => {
  for (const open of document.querySelectorAll("details.choose[open]")) {
    if (!open.contains(e.target)) open.open = false;
  }
});

let going = false; // "g" was pressed, a letter follows
const ways = () => [...document.querySelectorAll(".around a[data-key]")];

function go(key) {
  const way = ways().find((a) => a.dataset.key === key);
  if (way) way.click();
}

// The rows that j and k move through, and the keys that act on one: elements
// with data-row, and in them elements with data-act="r" and so on.
function rows() {
  return [...document.querySelectorAll("[data-row]")];
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((r) => r.contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, at + by))] || all[0];
  const target = next.matches("a, button, [tabindex]") ? next : next.querySelector("a, button, [tabindex]");
  if (target) {
    target.focus();
    target.scrollIntoView({ block: "nearest" });
  }
}

function act(key) {
  const row = document.activeElement.closest("[data-row]") || document;
  const el = row.querySelector('[data-act="' + CSS.escape(key) + '"]');
  if (el) el.click();
  return !!el;
}

function help() {
  let box = document.getElementById("keys");
  if (!box) {
    box = document.createElement("dialog");
    box.id = "keys";
    const list = ways().map((a) => ["g " + a.dataset.key, a.textContent.trim()]);
    const more = [...document.querySelectorAll("[data-act]")].map((el) => [el.dataset.act, el.textContent.trim() || el.ariaLabel]);
    const seen = new Set();
    const rows = [["/", "🔍"], ["j k", "↓ ↑"], ["?", "…"], ["Esc", "×"], ...list, ...more].filter(([k]) => !seen.has(k) && seen.add(k));
    const table = document.createElement("dl");
    for (const [k, text] of rows) {
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = k;
      dd.textContent = text;
      table.append(dt, dd);
    }
    box.append(table);
    body.append(box);
  }
  box.showModal();
}

document.addEventListener("keydown", (e) => {
  if (e.key === "Escape") {
    for (const open of document.querySelectorAll("details.choose[open]")) open.open = false;
    return;
  }
  if (off || e.ctrlKey || e.metaKey || e.altKey || typing(e.target)) return;
  if (going) {
    going = false;
    go(e.key);
    return;
  }
  switch (e.key) {
    case "g":
      going = true;
      setTimeout(() => (going = false), 1500);
      return;
    case "j":
      return move(1);
    case "k":
      return move(-1);
    case "?":
      return help();
    case "/": {
      const box = document.querySelector('input[type="search"]');
      if (box) {
        e.preventDefault();
        box.focus();
      }
      return;
    }
  }
  if (/^[a-z]$/.test(e.key) && act(e.key)) e.preventDefault();
});

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (e) => {
  const form = e.target;
  if (form.dataset.sent) {
    e.preventDefault();
    return;
  }
  if (form.method === "post") form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// A button with data-copy puts a text on the clipboard.
document.addEventListener("click", (e) => {
  const b = e.target.closest("[data-copy]");
  if (!b) return;
  const from = b.dataset.copy ? document.getElementById(b.dataset.copy) : null;
  navigator.clipboard.writeText(from ? from.textContent : b.value).then(() => {
    b.classList.add("done");
    setTimeout(() => b.classList.remove("done"), 1500);
  });
});

// On a phone the ways around, and tabs, are wider than the window: the one that
// is open is brought into sight.
for (const here of document.querySelectorAll('.around [aria-current="page"], .tabs [aria-current="page"]')) {
  const way = here.closest(".around, .tabs");
  if (way.scrollWidth > way.clientWidth) way.scrollLeft = here.offsetLeft - way.offsetLeft - 40;
}

const keys = document.querySelector(".foot .keys");
if (keys && matchMedia("(hover: hover)").matches) keys.hidden = false;
