/// What the page's script does: tooltips, sorting, filtering, and selecting a part of a time line.
///
/// Everything that the page tells is there without it. It asks for nothing and stores nothing; what
/// comes from files is only ever set as text.
let htmlScript: Markup = #"""
  (() => {
  "use strict";
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const grouped = number => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
  const attribute = (element, name) => (element.getAttribute(name) || "").split(" ").map(Number);

  // Tooltips: what a browser shows after a second, at once and in one place.
  const tip = make("div", { className: "tip", hidden: true });
  tip.setAttribute("role", "status");
  document.body.append(tip);
  for (const title of all("svg title")) {
    const owner = title.parentNode;
    if (owner.tagName !== "svg") owner.dataset.tip = title.textContent;
    title.remove();
  }
  for (const cell of all("td[title], code[title]")) {
    cell.dataset.tip = cell.title;
    cell.removeAttribute("title");
  }
  const showTip = (text, event) => {
    tip.textContent = text;
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(4, Math.min(event.clientX + 14, room)) + "px";
    const below = event.clientY + 18;
    const fits = below + tip.offsetHeight < window.innerHeight;
    tip.style.top = (fits ? below : Math.max(4, event.clientY - tip.offsetHeight - 10)) + "px";
  };
  document.addEventListener("pointermove", event => {
    const owner = event.target.closest ? event.target.closest("[data-tip]") : null;
    if (owner) showTip(owner.dataset.tip, event);
    else if (!event.target.closest || !event.target.closest(".timeline svg")) tip.hidden = true;
  });
  document.addEventListener("keydown", event => { if (event.key === "Escape") tip.hidden = true; });

  // Sorting: a button in each column's head.
  const ranks = { low: 0, medium: 1, high: 2, critical: 3 };
  const collator = new Intl.Collator("en", { numeric: true });
  const key = (row, column, isNumber) => {
    const text = (row.cells[column] ? row.cells[column].textContent : "").trim();
    if (isNumber) {
      const number = Number(text.replace(/[,%<>\s]/g, ""));
      return text === "" || Number.isNaN(number) ? -Infinity : number;
    }
    return text in ranks ? ranks[text] : text.replace(/(\d),(?=\d{3})/g, "$1");
  };
  const sort = (table, column, head) => {
    const descending = head.getAttribute("aria-sort") === "ascending"
      || (head.getAttribute("aria-sort") === null && head.classList.contains("n"));
    for (const other of all("th[aria-sort]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const isNumber = head.classList.contains("n");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map(row => [key(row, column, isNumber), row]);
    keyed.sort(([one], [other]) => {
      const order = typeof one === "number" && typeof other === "number"
        ? (one < other ? -1 : one > other ? 1 : 0) : collator.compare(String(one), String(other));
      return descending ? -order : order;
    });
    body.append(...keyed.map(([, row]) => row));
  };
  for (const table of all("table.data")) {
    if (table.tBodies[0].rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = make("button", { type: "button", className: "sort" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => sort(table, column, head));
    });
  }

  // Filtering: by text, and by the part of a time line that is selected.
  const outside = new WeakMap();
  const missed = new WeakMap();
  const counters = new Map();
  const draw = table => {
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = Boolean(outside.get(row) || missed.get(row));
      if (!row.hidden) shown += 1;
    }
    const rows = table.tBodies[0].rows.length;
    const counter = counters.get(table);
    if (counter) counter.textContent = shown === rows ? "" : `${grouped(shown)} of ${grouped(rows)} rows`;
  };
  for (const table of all("table.data")) {
    const rows = table.tBodies[0].rows;
    if (rows.length < 8 && !rows[0]?.matches("[data-records], [data-events], [data-span]")) continue;
    const scroll = table.closest(".scroll");
    const input = make("input", { type: "search", placeholder: "filter" });
    input.setAttribute("aria-label", "Filter " + (scroll.getAttribute("aria-label") || "rows"));
    const counter = make("span", { className: "muted" });
    counter.setAttribute("aria-live", "polite");
    counters.set(table, counter);
    scroll.before(make("div", { className: "filter" }, input, " ", counter));
    let texts = null;
    input.addEventListener("input", () => {
      texts = texts || new Map([...rows].map(row => [row, row.textContent.toLowerCase()]));
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const [row, text] of texts) missed.set(row, !words.every(word => text.includes(word)));
      draw(table);
    });
  }

  // Time lines: the interval under the pointer, and a part selected by dragging or by its numbers.
  for (const line of all(".timeline")) {
    const svg = line.querySelector("svg");
    const data = JSON.parse(line.querySelector("script.data").textContent);
    const unit = line.dataset.unit;
    const one = unit === "records" ? "record" : "event";
    const [left, right, width, end] =
      ["left", "right", "width", "end"].map(name => Number(line.dataset[name]));
    const brush = svg.querySelector(".brush");
    const cursor = svg.querySelector(".cursor");
    const part = line.closest("article") || document.body;
    const output = line.querySelector(".selection");
    const place = event => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * width;
      return Math.round(Math.min(Math.max((x - left) / (right - left), 0), 1) * end);
    };
    const x = at => left + at / end * (right - left);
    const from = make("input", { type: "number", min: 0, max: end, value: 0 });
    const to = make("input", { type: "number", min: 0, max: end, value: end });
    const reset = make("button", { type: "button" }, "All");
    const result = make("div");
    output.append(
      make("div", { className: "filter" },
        make("label", {}, `From ${one} `, from), " ", make("label", {}, "to ", to), " ", reset), result);
    const select = (first, last) => {
      if (first > last) [first, last] = [last, first];
      const whole = first <= 0 && last >= end;
      from.value = first;
      to.value = last;
      brush.setAttribute("x", x(first));
      brush.setAttribute("width", whole ? 0 : Math.max(x(last) - x(first), 1));
      const tables = new Set();
      for (const row of all(`tr[data-${unit}], tr[data-span]`, part)) {
        if (row.matches("tr[data-span]") && row.closest("table").dataset.line !== line.id) continue;
        let isInside = true;
        if (row.hasAttribute("data-span")) {
          const [start, stop] = attribute(row, "data-span");
          isInside = stop > first && start < last;
        } else {
          isInside = attribute(row, "data-" + unit).some(at => at >= first && at <= last);
        }
        outside.set(row, !whole && !isInside);
        tables.add(row.closest("table"));
      }
      for (const table of tables) draw(table);
      if (whole) return result.replaceChildren();
      let start = 0;
      const inside = data.ends.map(stop => {
        const isInside = stop > first && start < last;
        start = stop;
        return isInside;
      });
      const rows = data.series.map(({ counter, values }) => {
        const sum = values.reduce((sum, value) => sum + value, 0);
        const selected = values.reduce((sum, value, at) => sum + (inside[at] ? value : 0), 0);
        const share = sum === 0 ? "" : (selected / sum * 100).toFixed(2) + " %";
        return make("tr", {}, make("th", { scope: "row", textContent: counter }),
          ...[grouped(selected), grouped(sum), share].map(text =>
            make("td", { className: "n", textContent: text })));
      });
      const heads = ["counter", "in intervals selected", "in all", "share"].map((text, at) =>
        make("th", { scope: "col", className: at ? "n" : "", textContent: text }));
      result.replaceChildren(make("div", { className: "scroll", tabIndex: 0 },
        make("table", { className: "sums" }, make("thead", {}, make("tr", {}, ...heads)),
          make("tbody", {}, ...rows))));
    };
    let origin = null;
    svg.addEventListener("pointerdown", event => {
      if (event.button !== 0) return;
      origin = place(event);
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    svg.addEventListener("pointermove", event => {
      const at = place(event);
      if (origin !== null && Math.abs(x(at) - x(origin)) > 3) select(origin, at);
      cursor.setAttribute("x1", x(at));
      cursor.setAttribute("x2", x(at));
      if (event.target.dataset.tip) return;
      const index = Math.max(data.ends.findIndex(stop => stop > at), at >= end ? data.ends.length - 1 : 0);
      const start = index > 0 ? data.ends[index - 1] : 0;
      showTip([`${unit} ${grouped(start)} to ${grouped(data.ends[index])}`,
        ...data.series.map(({ counter, values }) => `${counter}: ${grouped(values[index])}`)].join("\n"), event);
    });
    svg.addEventListener("pointerup", event => {
      if (origin !== null && Math.abs(x(place(event)) - x(origin)) <= 3) select(0, end);
      origin = null;
    });
    svg.addEventListener("pointercancel", () => { origin = null; });
    svg.addEventListener("pointerleave", () => {
      tip.hidden = true;
      cursor.setAttribute("x1", -9);
      cursor.setAttribute("x2", -9);
    });
    const change = () => {
      const bound = (input, otherwise) =>
        input.value === "" ? otherwise : Math.min(Math.max(Math.round(Number(input.value)), 0), end);
      select(bound(from, 0), bound(to, end));
    };
    from.addEventListener("change", change);
    to.addEventListener("change", change);
    reset.addEventListener("click", () => select(0, end));
  }
  document.documentElement.dataset.ready = "yes";
  })();
  """#

/// The digest of the script by which the page's policy lets it and nothing else run.
///
/// A test in a browser holds that it is the script's: any other is refused.
let htmlScriptDigest = "sha256-sVOW9jO+90vFHjLsdUKiQ9Z+8lsZzV71Lsj5Ov57zmM="
