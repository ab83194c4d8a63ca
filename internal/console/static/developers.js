// Lets calls that read be tried with a token that stays in this page.
const form = document.getElementById("try");
const token = document.getElementById("token");
form.hidden = false;
form.addEventListener("submit", (e) => e.preventDefault());

for (const box of document.querySelectorAll(".trying")) {
  box.hidden = false;
  const out = box.querySelector(".answer");
  box.querySelector("button").addEventListener("click", async () => {
    let path = box.dataset.path;
    for (const field of box.querySelectorAll("[data-field]")) {
      path = path.replace("{" + field.dataset.field + "}", encodeURIComponent(field.value));
    }
    out.hidden = false;
    out.textContent = "…";
    const ask = new AbortController();
    const end = setTimeout(() => ask.abort(), 5000);
    try {
      const answer = await fetch(path, { headers: token.value ? { Authorization: "Bearer " + token.value } : {}, credentials: "omit", signal: ask.signal });
      const text = await answer.text();
      let shown = text;
      try {
        shown = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // not JSON: as it came
      }
      out.textContent = answer.status + " " + answer.statusText + "\n" + shown.slice(0, 20000);
    } catch (err) {
      out.textContent = String(err);
    }
    clearTimeout(end);
  });
}
