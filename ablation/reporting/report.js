// Sorts, filters and searches the table of the arms; without it the table stays as it is.
for (const table of document.querySelectorAll("table[data-searched]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const search = document.createElement("input");
  search.className = "search";
  search.type = "search";
  search.placeholder = `Search ${rows.length} arms: A, shortcut=A`;
  search.setAttribute("aria-label", "Search the arms");
  const count = document.createElement("span");
  count.className = "soft";
  count.setAttribute("role", "status");
  table.closest(".scroll").before(search, count);

  const heads = [...table.tHead.rows[0].cells];
  const names = heads.map((head) => head.textContent.trim().toLowerCase());
  const text = (row, column) => row.cells[column].textContent.trim();

  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const cells = [...row.cells].map((cell) => cell.textContent.trim().toLowerCase());
      const fits = words.every((word) => {
        const [name, value] = word.split("=");
        const column = names.indexOf(name);
        if (value !== undefined && column >= 0) return cells[column].includes(value);
        return cells.some((cell) => cell.includes(word));
      });
      row.hidden = !fits;
      shown += fits;
    }
    count.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });

  // The number that a cell begins with: "1,234", "2.1 ± 0.3", "0.5 s"; none sorts last.
  const numberOf = (cell) => {
    const found = cell.replaceAll(",", "").match(/^[-+]?\d+(\.\d+)?/);
    return found ? Number(found[0]) : NaN;
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const sign = down ? -1 : 1;
      const compared = (a, b) => {
        const [x, y] = [text(a, column), text(b, column)];
        const [m, n] = [numberOf(x), numberOf(y)];
        if (!Number.isNaN(m) && !Number.isNaN(n)) return sign * (m - n);
        if (Number.isNaN(m) !== Number.isNaN(n)) return Number.isNaN(m) ? 1 : -1;
        return sign * x.localeCompare(y);
      };
      body.append(...[...rows].sort(compared));
    });
  });
}
