// What a phone can do beyond links and forms: keep the app, vibrate before a
// case locks again, hold a button for a door, and be told of customers.
const buzz = (pattern) => navigator.vibrate && navigator.userActivation?.hasBeenActive && navigator.vibrate(pattern);
const keeper = navigator.serviceWorker;
if (keeper) {
  keeper.register("/sw.js").catch(() => {});
  keeper.ready.then((r) => r.active.postMessage({ language: document.documentElement.lang.slice(0, 2) }));
}

// A door or a cage unlocks when its button was held; a key press goes to the
// page that asks once more.
const long = 600;
let held = 0;
let filling = null;
function letGo() {
  clearTimeout(held);
  filling?.classList.remove("filling");
  filling = null;
}
document.addEventListener("pointerdown", (e) => {
  const b = e.target.closest("[data-hold]");
  if (!b || e.button) return;
  letGo();
  filling = b;
  b.classList.add("filling");
  held = setTimeout(() => {
    const form = b.form;
    const yes = document.createElement("input");
    yes.type = "hidden";
    yes.name = "confirm";
    yes.value = "yes";
    form.append(yes);
    buzz(60);
    form.requestSubmit();
  }, long);
});
for (const kind of ["pointerup", "pointercancel", "pointerleave"]) document.addEventListener(kind, letGo, true);
document.addEventListener("contextmenu", (e) => e.target.closest("[data-hold]") && e.preventDefault());
document.addEventListener("click", (e) => {
  const b = e.target.closest("[data-hold]");
  if (!b || !e.detail) return;
  e.preventDefault();
  const hint = b.form.querySelector(".holding");
  if (hint) hint.hidden = false;
});

// What changed is read aloud, and felt: before the case locks again, and when
// it stands open for too long.
let phase = document.getElementById("case")?.dataset.phase;
let warned = "";
let waiting = document.getElementById("waiting")?.dataset.count;
function look() {
  const card = document.getElementById("case");
  if (card?.dataset.phase && card.dataset.phase !== phase) {
    phase = card.dataset.phase;
    document.getElementById("said").textContent = card.dataset.say;
    if (phase === "unlocked" || phase === "secured") buzz(40);
    if (phase === "nagging" || phase === "failed") buzz([200, 100, 200]);
  }
  const left = document.getElementById("left");
  const is = left && /^0:0[1-5]$/.test(left.textContent);
  if (is && warned !== left.dateTime) {
    warned = left.dateTime;
    buzz([120, 60, 120]);
  }
  left?.closest(".dial").classList.toggle("short", !!is);
  const list = document.getElementById("waiting");
  if (list && +list.dataset.count > +waiting) buzz([120, 60, 120]);
  waiting = list?.dataset.count;
}
if (phase !== undefined || waiting !== undefined) setInterval(look, 250);

// Being told: only where the browser can, and only when somebody asks for it.
const button = document.getElementById("subscribe");
const why = document.getElementById("push-why");
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const say = (what) => (why.textContent = why.dataset[what]);

// entry finds this phone in the list of those that are told.
async function entry(s) {
  if (!s) return null;
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(s.endpoint)));
  const id = [...sum.slice(0, 12)].map((b) => b.toString(16).padStart(2, "0")).join("");
  return document.querySelector('[data-phone="psh_' + id + '"]');
}

async function subscribe() {
  button.disabled = true;
  try {
    if ((await Notification.requestPermission()) !== "granted") return say("denied");
    const r = await keeper.ready;
    const s = (await r.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(button.dataset.key) })).toJSON();
    const form = new URLSearchParams({ endpoint: s.endpoint, auth: s.keys.auth, p256dh: s.keys.p256dh });
    const answer = await fetch("/serve/push", { method: "POST", body: form });
    if (!answer.ok) throw new Error();
    location.hash = "messages";
    location.reload();
  } catch {
    say("failed");
  } finally {
    button.disabled = false;
  }
}

async function offer() {
  const apple = /iPhone|iPad/.test(navigator.userAgent) && !navigator.standalone;
  if (!keeper || !window.PushManager || !window.Notification) return say(apple ? "apple" : "none");
  if (Notification.permission === "denied") return say("denied");
  const r = await keeper.ready;
  const known = await entry(await r.pushManager.getSubscription());
  say(known ? "on" : "off");
  button.hidden = !!known;
  button.addEventListener("click", subscribe);
}
if (button) offer();

// Telling this phone no longer is told to its browser too.
document.addEventListener("submit", async (e) => {
  if (!keeper || !e.target.action.endsWith("/serve/push/remove")) return;
  const s = await (await keeper.ready).pushManager.getSubscription();
  if ((await entry(s))?.contains(e.target)) s.unsubscribe();
});
