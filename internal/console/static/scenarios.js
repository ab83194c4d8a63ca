// The editor of scenarios: only the fields of the chosen trigger are shown, and
// what the draft would do is looked up while it is typed. Without this, all
// fields are there and the button does the same.
const form = document.getElementById("editor");
let waiting = 0;
let asked = 0;

function parts() {
  for (const choice of document.querySelectorAll("[data-parts]")) {
    for (const part of document.querySelectorAll(`[data-part="${choice.dataset.parts}"]`)) {
      part.hidden = part.dataset.of !== choice.value;
    }
  }
}

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
  } catch {
    // The button still works.
  }
}

if (form) {
  parts();
  form.addEventListener("change", parts);
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, 500);
  });
}

// Whoever opened a lockdown's confirmation and thought better of it presses Esc.
addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const open of document.querySelectorAll(".confirm[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
