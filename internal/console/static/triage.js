// The replay of an incident: moves a line over lanes that are drawn already,
// and says in words how everything stood under it.
const root = document.getElementById("replay");

function setUp() {
  const svg = root.querySelector("svg.lanes");
  const head = svg.querySelector(".playhead");
  const player = document.getElementById("player");
  const scrub = document.getElementById("scrub");
  const face = document.getElementById("clock-face");
  const then = document.getElementById("then");
  const play = player.querySelector('[data-do="play"]');
  const speed = player.querySelector('[data-do="speed"]');
  const length = +root.dataset.length;
  const first = +root.dataset.first;
  const start = Date.parse(root.dataset.start);
  const [, sign, h, m] = /([+-])(\d\d):(\d\d)/.exec(root.dataset.zone);
  const zone = (sign === "-" ? -1 : 1) * (+h * 60 + +m) * 60000;
  const left = +svg.dataset.left;
  const wide = +svg.dataset.right - left;
  const events = [...document.querySelectorAll("#tape li")].map((el) => ({ el, t: +el.dataset.t, text: el.querySelector(".text").textContent }));
  const lanes = [...svg.querySelectorAll(".lane")].map((el) => ({
    name: el.dataset.lane,
    all: [...el.querySelectorAll(".stretch")].map((s) => ({ from: +s.dataset.from, until: +s.dataset.until, word: s.dataset.word })),
  }));
  const near = 1500; // how long an event counts as the current one, at least
  let at = first;
  let running = 0; // the last frame's time; 0: it stands still

  const clock = (t) => new Date(start + t + zone).toISOString().slice(11, 19);

  function words() {
    const said = [then.dataset.label + " " + clock(at)];
    for (const lane of lanes) {
      const s = lane.all.find((s) => at >= s.from && at < s.until);
      if (s) said.push(lane.name + " " + s.word);
    }
    return said.join(" · ");
  }

  let spoken = "";
  function show() {
    const x = left + (wide * at) / length;
    head.setAttribute("x1", x);
    head.setAttribute("x2", x);
    scrub.value = at;
    face.textContent = clock(at);
    const text = words();
    scrub.setAttribute("aria-valuetext", clock(at));
    if (text !== spoken) then.textContent = spoken = text;
    let current = null;
    for (const e of events) {
      e.el.classList.toggle("ahead", e.t > at);
      e.el.removeAttribute("aria-current");
      if (e.t <= at) current = e;
    }
    if (current && at - current.t < near * speed.value) current.el.setAttribute("aria-current", "true");
  }

  function to(t) {
    at = Math.max(0, Math.min(length, t));
    show();
  }

  function frame(now) {
    if (!running) return;
    to(at + (now - running) * speed.value);
    running = now;
    if (at >= length) return stop();
    requestAnimationFrame(frame);
  }

  function stop() {
    running = 0;
    play.textContent = play.dataset.play;
    then.setAttribute("aria-live", "polite");
  }

  function toggle() {
    if (running) return stop();
    if (at >= length) at = 0;
    then.setAttribute("aria-live", "off"); // ten words a second help nobody
    play.textContent = play.dataset.pause;
    running = performance.now();
    requestAnimationFrame(frame);
  }

  const step = {
    on: () => to((events.find((e) => e.t > at) || { t: length }).t),
    back: () => to((events.findLast((e) => e.t < at) || { t: 0 }).t),
    preset: () => to(first - 10000),
    play: toggle,
  };

  player.addEventListener("click", (e) => {
    const b = e.target.closest("button[data-do]");
    if (b) step[b.dataset.do]();
  });
  scrub.addEventListener("input", () => to(+scrub.value));
  svg.addEventListener("click", (e) => {
    const box = svg.getBoundingClientRect();
    const x = ((e.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
    if (x >= left) to(((x - left) / wide) * length);
  });
  for (const e of events) {
    e.el.addEventListener("click", (click) => click.target.closest("a") || to(e.t));
  }

  // Keys count while the replay has the focus, so that they take nothing away
  // from the page; the slider keeps its own arrows.
  root.addEventListener("keydown", (e) => {
    const on = e.target;
    if (e.ctrlKey || e.metaKey || e.altKey || on.matches("select, summary, a")) return;
    if (e.key === " " && !on.matches("button")) toggle();
    else if (e.key === "ArrowRight" && e.shiftKey) to(at + 10000);
    else if (e.key === "ArrowLeft" && e.shiftKey) to(at - 10000);
    else if (e.key === "ArrowRight" && on !== scrub) step.on();
    else if (e.key === "ArrowLeft" && on !== scrub) step.back();
    else return;
    e.preventDefault();
  });

  player.hidden = false;
  root.classList.add("playing-ready");
  then.setAttribute("aria-live", "polite");
  show();
}

if (root) setUp();

for (const b of document.querySelectorAll("[data-print]")) {
  b.hidden = false;
  b.addEventListener("click", () => print());
}

// Taking a file leaves the page where it is: its form may be sent again.
document.addEventListener("submit", (e) => {
  if ("many" in e.target.dataset) setTimeout(() => delete e.target.dataset.sent, 1500);
});
