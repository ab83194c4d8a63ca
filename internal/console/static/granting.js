// While a grant or a schedule is typed, what it does is looked up and shown
// beside it. Without this, the button does the same.
const form = document.getElementById("editor");
let waiting = 0;
let asked = 0;

async function look() {
  const mine = ++asked;
  const data = new URLSearchParams(new FormData(form));
  data.set("do", "look");
  try {
    const answer = await fetch(form.dataset.draft, { method: "POST", body: data });
    if (!answer.ok || mine !== asked) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("look");
    if (now) document.getElementById("look").replaceWith(document.adoptNode(now));
    const clocks = page.getElementById("clocks");
    if (clocks) document.getElementById("clocks")?.replaceWith(document.adoptNode(clocks));
  } catch {
    // The button still works.
  }
}

if (form) {
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 350);
  });
}
