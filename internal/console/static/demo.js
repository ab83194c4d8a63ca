// The corner of the demo: what is done in it does not load the page again, and
// what was tried ticks itself.
const corner = () => document.getElementById("demo-corner");
const card = () => document.getElementById("demo-card");
const narrow = matchMedia("(max-width: 720px)");

// Folded or not is remembered; on a narrow page it begins folded.
const remembers = () => /(^|; )sashlock_demo=/.test(document.cookie);
if (narrow.matches && !remembers()) card().open = false;
corner().addEventListener("toggle", (e) => {
  if (e.target === card()) document.cookie = "sashlock_demo=" + (e.target.open ? "open" : "folded") + "; path=/; SameSite=Lax";
}, true);

// put shows another state of the corner and leaves open what is open.
function put(html) {
  const from = new DOMParser().parseFromString(html, "text/html").getElementById("demo-card");
  if (!from) return;
  const to = card();
  from.open = to.open;
  for (const part of from.querySelectorAll("details[id]")) {
    const was = document.getElementById(part.id);
    if (was) part.open = was.open;
  }
  for (const field of from.querySelectorAll("select[id]")) {
    const was = document.getElementById(field.id);
    if (was && [...field.options].some((o) => o.value === was.value)) field.value = was.value;
  }
  const focus = document.activeElement;
  const again = to.contains(focus) && (focus.id ? "#" + focus.id : focus.name && focus.tagName + '[name="' + focus.name + '"][value="' + focus.value + '"]');
  to.replaceChildren(...from.childNodes);
  if (again) (to.querySelector(again) || to.querySelector("summary")).focus({ preventScroll: true });
}

document.addEventListener("submit", async (e) => {
  const form = e.target;
  if (!form.matches("[data-corner]")) return;
  e.preventDefault();
  e.stopImmediatePropagation();
  const button = e.submitter;
  const body = new URLSearchParams(new FormData(form));
  if (button && button.name) body.set(button.name, button.value);
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers: { "X-Corner": "yes" } });
    if (answer.ok) put(await answer.text());
    else location.reload();
  } catch {
    location.reload();
  }
}, true);

// Ticks come by themselves while the card is open and looked at.
let shown = "";
setInterval(async () => {
  if (document.hidden || !card().open || card().querySelector("select:focus")) return;
  try {
    const answer = await fetch("/demo/corner?then=" + encodeURIComponent(corner().dataset.here));
    const html = await answer.text();
    if (answer.ok && html !== shown) put(html);
    shown = html;
  } catch {} // the next time
}, 4000);
