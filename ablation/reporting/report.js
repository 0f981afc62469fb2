// Sorts, filters and searches the table of the arms; without it the table stays as it is.
for (const table of document.querySelectorAll("table[data-searched]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const names = heads.map((head) => head.textContent.trim().toLowerCase());
  // Pictures have titles, which are no text of the table.
  const text = (row, column) => {
    const cell = row.cells[column];
    return cell.querySelector("svg") ? "" : cell.textContent.trim();
  };
  // The labels of the arms stand first.
  const axes = heads.findIndex((head) => !head.classList.contains("label"));

  const search = document.createElement("input");
  search.className = "search";
  search.type = "search";
  search.placeholder = `Search ${rows.length} arms: ${text(rows[0], 0)}, ${names[0]}=${text(rows[0], 0)}`;
  search.setAttribute("aria-label", "Search the arms");
  const count = document.createElement("span");
  count.className = "soft";
  count.setAttribute("role", "status");

  // A menu for each axis whose labels several arms have.
  const menus = heads.slice(0, axes).flatMap((head, column) => {
    const labels = [...new Set(rows.map((row) => text(row, column)))];
    if (labels.length < 2 || labels.length === rows.length) return [];
    const menu = document.createElement("select");
    menu.className = "search";
    menu.setAttribute("aria-label", `Filter by ${names[column]}`);
    menu.append(new Option(`${names[column]}: all`, ""), ...labels.map((label) => new Option(label)));
    return [{ menu, column }];
  });
  table.closest(".scroll").before(search, ...menus.map(({ menu }) => menu), count);

  // A word that is a label is that label: "A" is not found in "plain".
  const fits = (word) => {
    const at = word.indexOf("=");
    const column = at < 0 ? -1 : names.indexOf(word.slice(0, at));
    const wanted = column < 0 ? word : word.slice(at + 1);
    const columns = column < 0 ? heads.map((_, number) => number) : [column];
    const own = columns.filter((number) => number < axes);
    const is = (row, number) => text(row, number).toLowerCase() === wanted;
    if (rows.some((row) => own.some((number) => is(row, number)))) {
      return (row) => own.some((number) => is(row, number));
    }
    return (row) => columns.some((number) => text(row, number).toLowerCase().includes(wanted));
  };
  const show = () => {
    const tests = search.value.toLowerCase().split(/\s+/).filter(Boolean).map(fits);
    for (const { menu, column } of menus) {
      if (menu.value) tests.push((row) => text(row, column) === menu.value);
    }
    let shown = 0;
    for (const row of rows) {
      row.hidden = !tests.every((test) => test(row));
      shown += !row.hidden;
    }
    count.textContent = tests.length ? `${shown} of ${rows.length}` : "";
    keep();
  };
  search.addEventListener("input", show);
  for (const { menu } of menus) menu.addEventListener("change", show);

  // The page of a running sweep reloads itself: what was asked stays.
  const place = `resforge ${location.pathname} ${[...document.querySelectorAll("table")].indexOf(table)}`;
  const asked = { sort: null };
  const keep = () => {
    asked.search = search.value;
    asked.menus = menus.map(({ menu }) => menu.value);
    try { sessionStorage.setItem(place, JSON.stringify(asked)); } catch { /* not allowed here */ }
  };
  const restore = () => {
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem(place)); } catch { /* not allowed here */ }
    if (!kept) return;
    if (kept.sort) sort(...kept.sort);
    search.value = kept.search;
    menus.forEach(({ menu }, number) => { menu.value = kept.menus[number] ?? ""; });
    show();
  };

  // The number that a cell begins with: "1,234", "2.1 ± 0.3", "0.5 s", "20%: 60"; none sorts last.
  const numberOf = (cell) => {
    const found = cell.replaceAll(",", "").replace(/^[\d.]+%: /, "").match(/^[-+]?\d+(\.\d+)?/);
    return found ? Number(found[0]) : NaN;
  };
  const sort = (column, down) => {
    const head = heads[column];
    if (!head) return;
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    const compared = (a, b) => {
      const [x, y] = [text(a, column), text(b, column)];
      const [m, n] = [numberOf(x), numberOf(y)];
      if (!Number.isNaN(m) && !Number.isNaN(n)) return sign * (m - n);
      if (Number.isNaN(m) !== Number.isNaN(n)) return Number.isNaN(m) ? 1 : -1;
      return sign * x.localeCompare(y, undefined, { numeric: true });
    };
    body.append(...[...rows].sort(compared));
    asked.sort = [column, down];
    keep();
  };
  heads.forEach((head, column) => {
    if (!rows.some((row) => text(row, column))) return;
    // Not a <button>: browsers leave those out of the heads that they repeat on printed pages.
    const button = document.createElement("span");
    button.setAttribute("role", "button");
    button.tabIndex = 0;
    button.append(...head.childNodes);
    head.append(button);
    const toggle = () => sort(column, head.getAttribute("aria-sort") === "ascending");
    button.addEventListener("click", toggle);
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      toggle();
    });
  });
  restore();
}
