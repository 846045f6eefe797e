/// The page's whole style; nothing is loaded.
let htmlStyle: Markup = #"""
  :root {
    color-scheme: light dark;
    --page: #ffffff; --text: #1b1f24; --muted: #565f69; --line: #d5dbe1; --faint: #f5f7f9;
    --accent: #1f5fa8; --heat: 31 95 168; --warn: #9a3b12; --two: #b97a1b;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --page: #12161b; --text: #e4e8ec; --muted: #a0aab4; --line: #323b45; --faint: #1a2027;
      --accent: #77aee8; --heat: 74 144 220; --warn: #f0a37c; --two: #d9a24a;
    }
  }
  * { box-sizing: border-box; }
  body {
    margin: 0; background: var(--page); color: var(--text);
    font: 15px/1.45 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  }
  main { max-width: 1400px; margin: 0 auto; padding: 24px 24px 48px; }
  h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
  h2 { font-size: 1.3rem; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
  section > h2, h3 { font-size: 1.05rem; margin: 28px 0 6px; }
  p { margin: 4px 0 8px; max-width: 76ch; }
  a { color: var(--accent); }
  code, pre { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .86em; }
  .muted { color: var(--muted); }
  article { border-top: 2px solid var(--text); margin-top: 40px; padding-top: 16px; }
  article.only { border: 0; margin: 0; padding: 0; }
  .facts {
    display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 2px 16px;
    align-content: start; margin: 12px 0 0;
  }
  .facts dt { color: var(--muted); }
  .facts dd { margin: 0; overflow-wrap: anywhere; }
  .cards {
    display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 12px;
    margin: 20px 0 0; padding: 0; list-style: none;
  }
  .cards li { border: 1px solid var(--line); border-radius: 4px; padding: 12px 14px; }
  .cards .title { font-weight: 600; }
  .cards .value {
    font-size: 1.75rem; line-height: 1.25; color: var(--accent);
    font-variant-numeric: tabular-nums;
  }
  .cards .definition { color: var(--muted); font-size: .82rem; margin: 6px 0 0; }
  .parts { display: grid; grid-template-columns: minmax(0, 1fr); column-gap: 48px; }
  .parts > section { min-width: 0; }
  .columns { display: grid; grid-template-columns: minmax(0, 1fr); column-gap: 40px; }
  @media (min-width: 1200px) {
    .cards {
      grid-auto-flow: column; grid-template-columns: none; grid-auto-columns: minmax(0, 1fr);
    }
  }
  @media (min-width: 1320px) {
    .parts { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
    .parts > .wide { grid-column: 1 / -1; }
    .columns.even { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
  }
  .scroll { overflow-x: auto; max-width: 100%; }
  .scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
  th, td { padding: 4px 12px 4px 0; text-align: left; vertical-align: top; }
  td, thead th, table.data th { white-space: nowrap; }
  td.prose, table.data th.prose { white-space: normal; min-width: 24ch; max-width: 76ch; overflow-wrap: anywhere; }
  thead th { border-bottom: 1px solid var(--muted); color: var(--muted); font-weight: 600; }
  tbody th { font-weight: 400; }
  tbody tr + tr > * { border-top: 1px solid var(--line); }
  th.n, td.n { text-align: right; padding-left: 12px; }
  .n + :not(.n) { padding-left: 12px; }
  .counters th.group { padding-top: 12px; font-weight: 600; max-width: 84ch; }
  .counters th.group span { font-weight: 400; color: var(--muted); }
  .counters tbody tr:not(:first-child) th { padding-left: 16px; }
  .heat td, .heat th { padding: 5px 8px; }
  .heat thead th, .heat td { text-align: center; }
  .heat td { min-width: 62px; border: 2px solid var(--page); line-height: 1.25; }
  .heat td span { display: block; font-size: .8rem; }
  .heat thead th { border: 0; vertical-align: bottom; }
  .heat thead th[colspan] { border-bottom: 1px solid var(--line); }
  .heat tbody th { white-space: nowrap; padding-left: 0; vertical-align: middle; }
  .heat tbody tr + tr > th { border-top: 0; }
  .heat .sum { color: var(--muted); }
  .heat, .key { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .h0 { color: var(--muted); }
  .h1 { background: rgb(var(--heat) / .05); }
  .h2 { background: rgb(var(--heat) / .12); }
  .h3 { background: rgb(var(--heat) / .2); }
  .h4 { background: rgb(var(--heat) / .29); }
  .h5 { background: rgb(var(--heat) / .39); }
  .h6 { background: rgb(var(--heat) / .5); }
  .h7 { background: rgb(var(--heat) / .62); }
  .key { font-size: .8rem; color: var(--muted); margin: 8px 0 0; }
  .key span { display: inline-block; padding: 1px 8px; color: var(--text); }
  svg { display: block; width: 100%; min-width: 600px; max-width: 880px; height: auto; }
  svg text { fill: var(--text); font-size: 12px; font-variant-numeric: tabular-nums; }
  svg .axis { fill: var(--muted); font-size: 11.5px; }
  svg .count {
    font-size: 10.5px; paint-order: stroke; stroke: var(--page); stroke-width: 3px;
    stroke-linejoin: round;
  }
  svg.wide { max-width: none; min-width: 760px; }
  svg .bar { fill: var(--accent); }
  svg .bar.two { fill: var(--two); }
  svg .bar.faint { fill: var(--muted); fill-opacity: .55; }
  svg .panel { font-size: 11.5px; font-weight: 600; }
  svg .area { fill: var(--accent); fill-opacity: .55; stroke: var(--accent); stroke-width: .75; }
  svg .read { fill: var(--faint); stroke: var(--accent); stroke-width: 1; }
  svg .skipped { fill: var(--page); stroke: var(--line); stroke-dasharray: 3 3; }
  svg .trend { stroke: var(--accent); stroke-width: 1.5; }
  svg .way { stroke: var(--warn); stroke-width: 2; }
  svg .find { fill: var(--warn); stroke: var(--page); stroke-width: .75; }
  svg .find.low { fill: var(--muted); }
  svg .find.medium { fill: var(--two); }
  svg .brush { fill: var(--accent); fill-opacity: .14; stroke: var(--accent); stroke-width: 0; }
  svg .cursor { stroke: var(--muted); stroke-width: 1; }
  .timeline svg { touch-action: pan-y; cursor: crosshair; }
  svg .grid { stroke: var(--line); stroke-width: 1; }
  svg .base { stroke: var(--muted); stroke-width: 1; }
  svg .mark { stroke: var(--warn); stroke-width: 1.25; stroke-dasharray: 4 3; }
  svg .marked { fill: var(--warn); font-size: 11.5px; }
  svg .curve { fill: none; stroke-width: 2; stroke: var(--accent); }
  svg .curve.c1 { stroke: var(--warn); }
  svg .curve.c2 { stroke: var(--muted); }
  svg .marked.c0 { fill: var(--accent); }
  svg .marked.c2 { fill: var(--muted); }
  .tip {
    position: fixed; z-index: 9; max-width: min(420px, 92vw); padding: 6px 9px; pointer-events: none;
    background: var(--text); color: var(--page); border-radius: 4px; font-size: .82rem;
    white-space: pre-line; overflow-wrap: anywhere; font-variant-numeric: tabular-nums;
  }
  .filter { margin: 6px 0; display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; }
  input, button {
    font: inherit; font-size: .88rem; color: inherit; background: var(--faint);
    border: 1px solid var(--line); border-radius: 4px; padding: 2px 8px;
  }
  input[type=number] { width: 13ch; }
  button { cursor: pointer; }
  button.sort {
    font-size: inherit; font-weight: inherit; background: none; border: 0; padding: 0;
    text-align: inherit; white-space: inherit;
  }
  th[aria-sort=ascending] button::after { content: " \2191"; }
  th[aria-sort=descending] button::after { content: " \2193"; }
  input:focus-visible, button:focus-visible, a:focus-visible { outline: 2px solid var(--accent); }
  nav { margin: 14px 0 0; font-size: .92rem; }
  nav ul { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0; padding: 0; list-style: none; }
  .skip { position: absolute; left: -999px; }
  .skip:focus { left: 8px; top: 8px; background: var(--page); padding: 4px 8px; }
  .severity { font-weight: 600; }
  .severity.critical, .severity.high { color: var(--warn); }
  .severity.critical { border-bottom: 2px solid var(--warn); }
  .severity.low { color: var(--muted); font-weight: 400; }
  details { margin: 10px 0 0; }
  details.part { margin-top: 20px; border-top: 1px solid var(--line); padding-top: 12px; }
  summary { cursor: pointer; }
  details.part > summary { font-weight: 600; }
  pre {
    background: var(--faint); border: 1px solid var(--line); border-radius: 4px; padding: 12px;
    overflow-x: auto; line-height: 1.4;
  }
  ul.notes { margin: 4px 0; padding-left: 1.2em; max-width: 84ch; }
  ul.notes li { margin: 2px 0; overflow-wrap: anywhere; }
  footer { margin-top: 32px; color: var(--muted); font-size: .85rem; }
  @media (max-width: 600px) {
    main { padding: 16px 14px 32px; }
    td.prose, table.data th.prose { min-width: 52ch; }
    td.prose:last-child:nth-child(2) { min-width: 0; }
    .cards { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px; }
    .cards li { padding: 10px; }
    .cards .value { font-size: 1.4rem; }
    .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
    .facts dd { margin: 0 0 6px; }
    .heat { font-size: .78rem; }
    .heat td, .heat th { padding: 4px 3px; }
    .heat td { min-width: 44px; }
    .heat td span { font-size: .7rem; }
  }
  @media print {
    :root { font-size: 11px; }
    main { max-width: none; padding: 0; }
    body { font-size: 11px; }
    td:not(.n), table.data tbody th { white-space: normal; }
    .scroll { overflow: visible; }
    .cards li, table, svg { break-inside: avoid; }
    .counters table { break-inside: auto; }
    details::details-content { content-visibility: visible; block-size: auto; }
    td.prose, table.data th.prose { min-width: 18ch; }
    nav, .filter, .selection, .tip, .skip { display: none; }
  }

  """#
