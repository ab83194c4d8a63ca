// Passkeys: asks the browser to make one or to use one, and sends what it
// answers as a form, so that the server leads on as from any other page.
const usable = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON && window.isSecureContext;

function say(text) {
  const box = document.querySelector("[data-wrong]");
  box.textContent = text || box.dataset.broken;
  box.hidden = false;
}

async function begin(form) {
  const answer = await fetch(form.dataset.begin, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.title || "");
  return said.publicKey;
}

async function ceremony(form) {
  const asked = await begin(form);
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) });
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("[data-needs-script]");
  if (!usable) {
    document.querySelector("[data-no-passkeys]").hidden = false;
    continue;
  }
  button.disabled = false;
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    e.stopPropagation();
    button.disabled = true;
    document.querySelector("[data-wrong]").hidden = true;
    ceremony(form).catch((err) => {
      button.disabled = false;
      const box = document.querySelector("[data-wrong]");
      // What the browser says is for engineers; what we say is for people.
      say(err instanceof DOMException ? "" : err instanceof TypeError ? box.dataset.away : err.message);
    });
  });
}

const print = document.querySelector("[data-print]");
if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}
