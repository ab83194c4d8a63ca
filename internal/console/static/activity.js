// The tail: new events come in at the top while one looks there, and wait while
// one reads further down or is about to press a row: rows that move meanwhile
// would put another under the pointer.
const tail = document.getElementById("tail");
const rows = document.getElementById("rows");
const button = document.getElementById("waiting");
const says = tail.querySelector(".says");
const most = 300;
const calm = 1500; // milliseconds after which a pointer that rests aims at nothing
let waiting = [];
let aimed = 0; // the timer that runs while somebody aims

const atTop = () => scrollY < 120;
const flows = () => atTop() && !aimed;

function aim() {
  clearTimeout(aimed);
  aimed = setTimeout(() => {
    aimed = 0;
    settled(rows, () => flows() && waiting.length && flush());
  }, calm);
}
for (const name of ["pointermove", "pointerdown", "focusin"]) rows.addEventListener(name, aim);

function state(name) {
  tail.dataset.state = name;
  const word = { live: says.dataset.liveWord, waits: says.dataset.waitWord + " " + waiting.length, lost: says.dataset.lostWord }[name];
  if (says.textContent !== word) says.textContent = word;
}

function put(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  const row = holder.content.firstElementChild;
  const first = rows.querySelector(".day");
  if (first && first.dataset.day === row.dataset.day) {
    first.after(row);
  } else if (first) {
    rows.prepend(row);
  } else {
    location.reload(); // the first event there is: the page begins with its day
    return;
  }
  row.classList.add("fresh");
  setTimeout(() => row.classList.remove("fresh"), 1500);
  while (rows.children.length > most) rows.lastElementChild.remove();
}

function flush() {
  for (const html of waiting) put(html);
  waiting = [];
  button.hidden = true;
  state("live");
}

// offer shows the button for what waits, but not to who aims: that is for a
// moment only, and the button would move the rows.
function offer() {
  button.hidden = !waiting.length || atTop();
  button.textContent = says.dataset.waitWord + " " + waiting.length;
}

function take(html) {
  if (flows()) return settled(rows, () => put(html));
  waiting.push(html);
  if (waiting.length > most) waiting.shift();
  offer();
  state("waits");
}

// A search that cannot be understood finds nothing, now or later.
const wrong = document.getElementById("q").hasAttribute("aria-invalid");
if (!wrong && !new URLSearchParams(location.search).has("before")) {
  tail.hidden = false;
  let next = tail.dataset.after;
  const follow = () => {
    const url = tail.dataset.live;
    const source = new EventSource(url + (url.includes("?") ? "&" : "?") + "after=" + next);
    source.addEventListener("open", () => state(waiting.length ? "waits" : "live"));
    source.addEventListener("row", (e) => {
      next = +e.lastEventId + 1;
      take(e.data);
    });
    source.addEventListener("error", () => {
      state("lost");
      if (source.readyState === EventSource.CLOSED) setTimeout(follow, 3000);
    });
  };
  follow();
  addEventListener("scroll", () => (flows() && waiting.length ? flush() : offer()), { passive: true });
  button.addEventListener("click", () => {
    scrollTo({ top: 0 });
    flush();
  });
}
