// The slider of "what can somebody open": moves the time and shows the answer
// for it without loading the page anew. The field for the time does the same
// without it.
const slide = document.getElementById("slide");
const at = document.getElementById("at");

if (slide && at && at.value) {
  const slider = document.getElementById("slider");
  const form = at.form;
  let wanted = 0;
  let timer = 0;

  const two = (n) => String(n).padStart(2, "0");
  const shown = () => two(Math.floor(slider.value / 60)) + ":" + two(slider.value % 60);

  async function ask() {
    const mine = ++wanted;
    const q = new URLSearchParams(new FormData(form));
    q.delete("clock");
    const url = "/what-if?" + q;
    const answer = await fetch(url).catch(() => null);
    if (!answer || !answer.ok || mine !== wanted) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("answer");
    if (!now || mine !== wanted) return;
    document.getElementById("answer").replaceWith(now);
    history.replaceState(null, "", url);
  }

  slider.addEventListener("input", () => {
    document.getElementById("slid").textContent = shown();
    slider.setAttribute("aria-valuetext", shown());
    at.value = at.value.slice(0, 11) + shown();
    clearTimeout(timer);
    timer = setTimeout(ask, 60);
  });
  slider.setAttribute("aria-valuetext", shown());
  slide.hidden = false;
}

// The replay of a draft goes on by itself: each answer brings the next form.
async function goOn(form) {
  while (form) {
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    if (!answer || !answer.ok) return; // the button is still there
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("replay");
    const was = document.getElementById("replay");
    if (!now || !was) return;
    was.replaceWith(now);
    form = document.getElementById("further");
  }
}
goOn(document.getElementById("further"));
