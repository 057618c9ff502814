// Puts the chosen colours on before anything is drawn, so that the page does not flash.
{
  let chosen = null;
  try {
    chosen = localStorage.getItem("earmark.theme");
  } catch {
    // storage is forbidden here: the system's colours stay
  }
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
}
