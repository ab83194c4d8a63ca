// The panel beside the plan, and buttons that are held down for a moment.
const panel = document.getElementById("panel");
let shown = ""; // the opening in the panel
let from = ""; // id of the element it was opened from
let turn = 0; // answers that come late are dropped

function mark(is) {
  const el = from && document.getElementById(from);
  const a = el && (el.matches("a") ? el : el.querySelector("a"));
  if (!a) return;
  if (is) a.setAttribute("aria-expanded", "true");
  else a.removeAttribute("aria-expanded");
  return a;
}

async function fill(slug) {
  const mine = ++turn;
  const r = await fetch("/openings/" + encodeURIComponent(slug) + "/panel");
  if (!r.ok || r.redirected) throw new Error(r.status);
  const text = await r.text();
  if (mine !== turn) return false;
  const busy = panel.contains(document.activeElement) && document.activeElement;
  const key = busy && busy !== panel && (busy.id || busy.dataset.act || ("shut" in busy.dataset && "shut"));
  const choice = panel.querySelector("select");
  const chosen = shown === slug && choice && choice.value;
  panel.innerHTML = text;
  const again = panel.querySelector("select");
  if (chosen && again) again.value = chosen;
  const next = key && (document.getElementById(key) || panel.querySelector(key === "shut" ? "[data-shut]" : '[data-act="' + key + '"]'));
  if (next) next.focus({ preventScroll: true });
  shown = slug;
  return true;
}

async function open(a) {
  const slug = a.dataset.panel;
  mark(false);
  const holder = a.closest("[id^=pin-]");
  from = holder ? holder.id : "pin-" + slug;
  try {
    if (!(await fill(slug))) return;
  } catch {
    location.assign(a.href);
    return;
  }
  panel.hidden = false;
  panel.scrollTop = 0;
  panel.focus({ preventScroll: true });
  mark(true);
}

function shut() {
  if (!panel || panel.hidden) return;
  turn++;
  panel.hidden = true;
  panel.replaceChildren();
  shown = "";
  const a = mark(false);
  if (a) a.focus({ preventScroll: true });
}

if (panel) {
  document.addEventListener("click", (e) => {
    const a = e.target.closest("[data-panel]");
    if (a && e.button === 0 && !e.ctrlKey && !e.metaKey && !e.shiftKey && !e.altKey) {
      e.preventDefault();
      open(a);
    } else if (e.target.closest("[data-shut]")) shut();
  });
  document.addEventListener("keydown", (e) => e.key === "Escape" && shut());
  // What is shown again has lost its mark, and the panel is no longer true.
  document.addEventListener("part", (e) => {
    if (!shown || (e.detail !== "pin-" + shown && e.detail !== "openings")) return;
    mark(true);
    fill(shown).catch(() => {});
  });
}

// A held button: by touch or mouse it is held for 600 ms, by keyboard it is
// pressed twice.
const holdFor = 600;
let held = null; // the button that is held down
let done = false; // it was held for long enough

function tell(b, word) {
  const text = b.querySelector("span");
  if (!b.dataset.word) b.dataset.word = text.textContent;
  text.textContent = word;
  clearTimeout(b.timer);
  b.timer = setTimeout(() => {
    text.textContent = b.dataset.word;
    delete b.dataset.asked;
  }, 4000);
}

function let_go() {
  if (!held) return;
  clearTimeout(held.holding);
  held.classList.remove("holding");
  held = null;
}

document.addEventListener("pointerdown", (e) => {
  const b = e.target.closest("[data-hold]");
  if (!b || e.button !== 0) return;
  held = b;
  done = false;
  b.classList.add("holding");
  b.holding = setTimeout(() => {
    done = true;
    let_go();
    b.form.requestSubmit(b);
  }, holdFor);
});
for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, let_go, true);

document.addEventListener("click", (e) => {
  const b = e.target.closest("[data-hold]");
  if (!b) return;
  if (e.detail === 0) {
    if (b.dataset.asked) return; // the second time
    e.preventDefault();
    b.dataset.asked = "yes";
    return tell(b, b.dataset.againWord);
  }
  e.preventDefault();
  if (!done) tell(b, b.dataset.holdWord);
});
