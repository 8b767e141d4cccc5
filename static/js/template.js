/* Filling a template in: the preview follows what one types, and choosing one needs no second tap. The page works without. */

document.addEventListener("input", (event) => {
  const key = event.target.dataset?.fills;
  if (!key) return;
  for (const slot of document.querySelectorAll("[data-slot]")) {
    if (slot.dataset.slot !== key) continue;
    slot.dataset.example ??= slot.textContent;
    slot.textContent = event.target.value || slot.dataset.example;
    slot.classList.toggle("is-filled", Boolean(event.target.value));
  }
});
document.addEventListener("change", (event) => {
  if (event.target.id === "template-choice") event.target.form.requestSubmit();
});
