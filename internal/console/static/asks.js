// Reviews with the keyboard: k keeps and x removes the line that is looked at.
// Elsewhere k goes up, so it is taken before the frame sees it.
const sheet = document.querySelector("form.review");

function line() {
  return document.activeElement.closest(".line-row") || sheet.querySelector(".line-row");
}

if (sheet) {
  document.addEventListener("keydown", (e) => {
    const typing = /^(TEXTAREA|SELECT)$/.test(e.target.tagName) || (e.target.tagName === "INPUT" && e.target.type !== "checkbox");
    if (typing || e.ctrlKey || e.metaKey || e.altKey || localStorage.getItem("keys") === "off") return;
    if (e.key === "k" || e.key === "x") {
      const button = line()?.querySelector('[data-act="' + e.key + '"]');
      if (!button) return;
      e.preventDefault();
      e.stopImmediatePropagation();
      button.click();
    } else if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      const rows = [...sheet.querySelectorAll(".line-row")];
      const at = rows.indexOf(document.activeElement.closest(".line-row"));
      const next = rows[Math.max(0, Math.min(rows.length - 1, at + (e.key === "ArrowDown" ? 1 : -1)))];
      if (!next) return;
      e.preventDefault();
      next.focus();
    }
  }, true);
}

// After an answer the next line is looked at.
if (location.hash === "#next") document.getElementById("next")?.focus();
