// Filters the list of deviations and queries. The page reads the same without it.
const form = document.querySelector(".filter");
if (form) {
  form.hidden = false;
  const items = [...document.querySelectorAll("article")];
  const apply = () => {
    const wanted = (name) => form.elements[name].value;
    const text = wanted("text").trim().toLowerCase();
    let shown = 0;
    for (const item of items) {
      const keep =
        (!wanted("code") || item.dataset.code === wanted("code")) &&
        (!wanted("site") || item.dataset.site === wanted("site")) &&
        (!text || item.textContent.toLowerCase().includes(text));
      item.hidden = !keep;
      shown += keep;
    }
    form.querySelector("output").textContent = form.dataset.shown.replace("{n}", shown);
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
}
