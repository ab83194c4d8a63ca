// Keeps the page up to date: puts the parts that the server sends in the place
// of those that are there, lets clocks run, and says so when it cannot.
const body = document.body;
const link = document.getElementById("link");
const still = matchMedia("(prefers-reduced-motion: reduce)");
let ahead = 0; // how far the server's clock is ahead of ours, in milliseconds
let heard = 0; // when we last heard from it, by a clock that nobody sets
let last = 0; // the same by the clock on the wall
const reached = "a, button, input, select, textarea, summary, [tabindex]";

function say(state, words) {
  if (!link || link.dataset.state === state) return;
  link.dataset.state = state;
  link.querySelector(".says").textContent = words;
  body.classList.toggle("lost", state === "lost");
}

function lost() {
  const at = heard ? new Date(last + ahead).toLocaleTimeString("en-GB") : "";
  say("lost", link.dataset.lostWord + " " + at);
}

function put(html) {
  const id = /\sid="([^"]+)"/.exec(html);
  const old = id && document.getElementById(id[1]);
  if (old) settled(old, () => replace(id[1], html));
}

function replace(id, html) {
  const old = document.getElementById(id);
  if (!old) return;
  const active = document.activeElement;
  const focus = old.contains(active) ? active : null;
  const kept = focus && (focus.id || focus.getAttribute("href"));
  const place = focus ? [...old.querySelectorAll(reached)].indexOf(focus) : -1;
  const top = old.scrollTop;
  const opened = [...old.querySelectorAll("details")].map((d) => d.open);
  old.outerHTML = html;
  const now = document.getElementById(id);
  now.scrollTop = top;
  const inside = now.querySelectorAll("details");
  if (inside.length === opened.length) inside.forEach((d, i) => (d.open = opened[i]));
  now.classList.add("fresh");
  if (focus) {
    const same = kept && (document.getElementById(kept) || now.querySelector('[href="' + CSS.escape(kept) + '"]'));
    const again = same || now.querySelectorAll(reached)[place];
    if (again) again.focus({ preventScroll: true });
  }
  document.dispatchEvent(new CustomEvent("part", { detail: id }));
  tick();
}

const two = (n) => String(n).padStart(2, "0");

function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const m = Math.floor(s / 60);
  return m < 60 ? m + ":" + two(s % 60) : Math.floor(m / 60) + ":" + two(m % 60) + ":" + two(s % 60);
}

function ago(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 172800) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " d";
}

function tick() {
  if (body.classList.contains("lost")) return; // what is old must not look alive
  const now = Date.now() + ahead;
  const write = (name, how) => {
    for (const el of document.querySelectorAll("time[data-" + name + "]")) {
      const text = how(Date.parse(el.dateTime), el);
      if (el.textContent !== text) el.textContent = text;
    }
  };
  write("up", (at) => clock(now - at));
  write("down", (at) => clock(at - now));
  write("ago", (at) => ago(now - at));
  write("clock", (_, el) => {
    const [, sign, h, m] = /([+-])(\d\d):(\d\d)/.exec(el.dataset.clock);
    const off = (sign === "-" ? -1 : 1) * (h * 60 + +m) * 60000;
    return new Date(now + off).toISOString().slice(11, 19);
  });
  for (const el of document.querySelectorAll("[data-until]")) {
    const left = (Date.parse(el.dataset.until) - now) / el.dataset.for;
    el.style.strokeDashoffset = 100 * (1 - Math.min(1, Math.max(0, left)));
  }
}

// One listener for all parts, rather than a timer for each that would keep what
// it was set for.
document.addEventListener("animationend", (e) => {
  const el = e.target.closest(".fresh");
  if (el) el.classList.remove("fresh");
});

function follow() {
  const at = body.dataset.at;
  const url = body.dataset.live;
  const source = new EventSource(url + (url.includes("?") ? "&" : "?") + "at=" + at);
  const alive = () => {
    heard = performance.now();
    last = Date.now();
    say("live", link.dataset.liveWord);
  };
  source.addEventListener("beat", (e) => {
    ahead = +e.data - Date.now();
    alive();
  });
  source.addEventListener("part", (e) => {
    alive();
    put(e.data);
    if (e.lastEventId) body.dataset.at = e.lastEventId;
  });
  source.addEventListener("gone", () => location.reload());
  source.addEventListener("error", () => {
    lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
  });
  return source;
}

document.addEventListener("submit", (e) => {
  const form = e.target;
  if (!("quiet" in form.dataset)) return;
  e.preventDefault();
  form.querySelector("button").disabled = true;
  fetch(form.action, { method: "POST" }).then(
    (r) => r.ok || form.submit(),
    () => lost(),
  );
});

if (body.dataset.live) {
  say("none", link.dataset.noneWord);
  follow();
  setInterval(() => heard && performance.now() - heard > 12000 && lost(), 1000);
  setInterval(tick, still.matches ? 1000 : 250);
  tick();
}
