// The editor: YAML with completion and hovers from the schema, and faults at their place.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import {
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  hoverTooltip,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { element } from "./dom.js";
import { entryAt, outline } from "./outline.js";
import { alternatives, keys, ofKey, values } from "./schema.js";

/** An editor in `parent`. `changed` hears of each new text, `moved` of each move of the cursor. */
export function editor(parent, { changed, moved }) {
  let schema = null;
  const view = new EditorView({
    parent,
    state: EditorState.create({ extensions: [...extensions(() => schema), told(changed, moved)] }),
  });
  return {
    view,
    text: () => view.state.doc.toString(),
    write: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: 0 } }),
    faults: (faults) => view.dispatch(setDiagnostics(view.state, faults.map((fault) => diagnostic(view, fault)))),
    show: (fault) => select(view, fault),
    describe: (found) => (schema = found),
    position: () => view.state.selection.main.head,
  };
}

function told(changed, moved) {
  return EditorView.updateListener.of((update) => {
    if (update.docChanged) changed();
    if (update.docChanged || update.selectionSet) moved();
  });
}

function extensions(schema) {
  return [
    lineNumbers(),
    lintGutter(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    indentOnInput(),
    indentUnit.of("  "),
    yaml(),
    syntaxHighlighting(colours),
    theme,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": "Specification, YAML", spellcheck: "false" }),
    autocompletion({ override: [(context) => completions(context, schema())], icons: false }),
    hoverTooltip((view, position) => hover(view, position, schema())),
    // Tab leaves the editor, as anywhere on a page; Ctrl-] and Ctrl-[ indent.
    keymap.of([
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...lintKeymap,
      { key: "Mod-]", run: indentMore },
      { key: "Mod-[", run: indentLess },
      ...defaultKeymap,
      ...historyKeymap,
    ]),
  ];
}

function diagnostic(view, fault) {
  const end = view.state.doc.length;
  const from = Math.min(fault.from, end);
  const to = Math.min(Math.max(fault.to, from), end);
  const message = () =>
    element("div", {}, element("strong", {}, fault.path), fault.path ? ": " : "", fault.message,
      fault.remedy ? element("div", { class: "remedy" }, fault.remedy) : null);
  return { from, to, severity: "error", message: fault.message, renderMessage: message };
}

function select(view, fault) {
  const end = view.state.doc.length;
  const selection = { anchor: Math.min(fault.from, end), head: Math.min(fault.to, end) };
  view.dispatch({ selection, scrollIntoView: true });
  view.focus();
}

/** What is the kind of the mapping or word at a path, as far as the text says so. */
function kindsOf(entries) {
  const kinds = new Map();
  for (const { path, value } of entries) {
    if (value === null) continue;
    if (path.at(-1) === "kind") kinds.set(path.slice(0, -1).join("\0"), value);
  }
  return (path) => kinds.get(path.join("\0"));
}

function completions(context, schema) {
  if (!schema) return null;
  const whole = context.state.doc.toString();
  const { state } = outline(whole.slice(0, context.pos));
  if (state.mode === "none" || (!state.word && !context.explicit && state.mode !== "value")) return null;
  const { entries } = outline(whole);
  const place = state.mode === "key" ? state.path : state.path;
  const found = alternatives(schema, place, kindsOf(entries));
  const present = presentKeys(entries, place, state);
  const options = [];
  if (state.mode !== "key") options.push(...values(found).map((each) => ({ ...each, type: "enum", boost: 1 })));
  if (state.mode !== "value") {
    options.push(...keys(found, present).map((each) => ({ ...each, type: "property", apply: `${each.label}: ` })));
  }
  return options.length ? { from: state.from, options: options.map(described), validFor: /^[\w.-]*$/ } : null;
}

function presentKeys(entries, place, state) {
  const beside = ({ path }) => path.length === place.length + 1 && place.every((part, index) => part === path[index]);
  const others = entries.filter((entry) => beside(entry) && entry.from !== state.from);
  return new Set(others.map(({ path }) => path.at(-1)));
}

function described(option) {
  return { ...option, info: option.info ? () => element("p", { class: "described" }, option.info) : undefined };
}

function hover(view, position, schema) {
  if (!schema) return null;
  const { entries } = outline(view.state.doc.toString());
  const entry = entryAt(entries, position);
  if (!entry) return null;
  const kindAt = kindsOf(entries);
  if (position <= entry.to) {
    const found = ofKey(schema, entry.path, kindAt);
    return found?.description ? tooltip(entry.from, entry.to, entry.path.at(-1), found.description) : null;
  }
  if (position < entry.valueFrom || position > entry.valueTo) return null;
  const value = values(alternatives(schema, entry.path, kindAt)).find((each) => each.label === entry.value);
  return value?.info ? tooltip(entry.valueFrom, entry.valueTo, value.label, value.info) : null;
}

function tooltip(pos, end, name, description) {
  const create = () => ({ dom: element("div", { class: "described" }, element("strong", {}, String(name)), element("p", {}, description)) });
  return { pos, end, above: true, create };
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
  { tag: [tags.string, tags.content], color: "var(--text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--number)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--muted)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--paper)", color: "var(--ink)", fontSize: "0.875rem" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--ink)", padding: "0.5rem 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--paper)", color: "var(--muted)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 28%, transparent)",
  },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad) 1.5px",
    textUnderlineOffset: "3px",
  },
  ".cm-tooltip": {
    maxWidth: "min(34rem, 90vw)",
    border: "1px solid var(--rule)",
    borderRadius: "8px",
    backgroundColor: "var(--raised)",
    color: "var(--ink)",
    overflow: "hidden",
  },
  ".cm-tooltip .described": { padding: "0.4rem 0.7rem", fontFamily: "var(--sans)", fontSize: "0.8125rem" },
  ".cm-diagnostic": { fontFamily: "var(--sans)", fontSize: "0.8125rem", borderLeft: "3px solid var(--bad)" },
  ".cm-diagnostic .remedy": { fontWeight: "600" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-ink)" },
  ".cm-completionDetail": { marginLeft: "1em", fontStyle: "normal", opacity: "0.7" },
});
