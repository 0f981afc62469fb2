// Where each key of a YAML text stands, for completion and hovers while it is still being typed.
//
// A parser gives up on half a line. This reads what specifications are made of: block and flow
// mappings and lists, plain and quoted scalars, comments.

const TOKEN = /\s+|#.*|"(?:[^"\\]|\\.)*"?|'[^']*'?|[{}[\],]|:(?=\s|$|[,{}[\]])|(?:[^\s,:{}[\]#"']|:(?!\s|$|[,{}[\]])|(?<=\S)#)+(?: +(?:[^\s,:{}[\]#]|:(?!\s|$|[,{}[\]]))+)*/y;
const BLOCK_WORD = /(?:[^\s:#]|:(?!\s|$)|(?<=\S)#)+(?: +(?:[^\s:#]|:(?!\s|$)|(?<=\S)#)+)*/y;

/**
 * `entries` of {path, from, to, value, valueFrom, valueTo} for every key, and the `state` at the
 * end of the text: {path, mode, word, from}, of which `mode` says what may stand there: "key",
 * "value" or "both".
 */
export function outline(text) {
  const reader = new Reader();
  let from = 0;
  for (const line of text.split("\n")) {
    reader.line(line, from);
    from += line.length + 1;
  }
  return { entries: reader.entries, state: reader.state(text) };
}

/** The path of the innermost key or value at `position`, or null. */
export function entryAt(entries, position) {
  let found = null;
  for (const entry of entries) {
    if (entry.from <= position) found = entry;
  }
  return found;
}

/** A path as resforge writes it: `stages[0].block`. */
export function pathText(path) {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : index ? `.${part}` : part))
    .join("");
}

class Reader {
  entries = [];
  blocks = []; // {indent, key} or {indent, index}
  flows = []; // {key, mode} or {index}
  last = null; // the entry whose value comes next
  open = null; // the word that ends the text, and where it starts

  path() {
    return [...this.blocks, ...this.flows]
      .map((frame) => ("index" in frame ? frame.index : frame.key))
      .filter((part) => part !== null);
  }

  line(line, start) {
    this.open = null;
    this.after = "both";
    let at = 0;
    if (!this.flows.length) {
      at = line.length - line.trimStart().length;
      if (line[at] === "#") return;
      at = this.#dashes(line, at);
      if (at === line.length) return this.#leave(at);
      at = this.#blockKey(line, at, start);
    }
    this.#flow(line, at, start);
  }

  /** Leave the blocks that a line indented by `indent` does not belong to. */
  #leave(indent) {
    while (this.blocks.length && this.blocks.at(-1).indent >= indent) this.blocks.pop();
  }

  #dashes(line, at) {
    while (line[at] === "-" && (at + 1 === line.length || line[at + 1] === " ")) {
      const indent = at;
      while (this.blocks.length && this.blocks.at(-1).indent > indent) this.blocks.pop();
      const top = this.blocks.at(-1);
      if (top && "index" in top && top.indent === indent) top.index += 1;
      else this.blocks.push({ indent, index: 0 });
      at += 1;
      while (line[at] === " ") at += 1;
      this.last = null;
    }
    return at;
  }

  #blockKey(line, at, start) {
    const key = /^(?:"([^"]*)"|'([^']*)'|((?:[^\s:#{}[\],"']|:(?!\s|$))+)) *:(?=\s|$)/.exec(line.slice(at));
    this.#leave(at);
    if (!key) return at;
    const name = key[1] ?? key[2] ?? key[3];
    this.blocks.push({ indent: at, key: name });
    this.#entry(start + at, start + at + key[0].length - 1);
    this.after = "value";
    return at + key[0].length;
  }

  #entry(from, to) {
    this.last = { path: this.path(), from, to, value: null, valueFrom: to + 1, valueTo: to + 1 };
    this.entries.push(this.last);
  }

  #flow(line, at, start) {
    while (at < line.length) {
      const pattern = this.flows.length ? TOKEN : /[{[]/.test(line[at]) ? TOKEN : BLOCK_WORD;
      const token = match(/\s+|#.*|"(?:[^"\\]|\\.)*"?|'[^']*'?/y, line, at) ?? match(pattern, line, at) ?? line[at];
      if (token.trim() !== "") this.#token(token, start + at, start + at + token.length, line.slice(at + token.length));
      else this.open = null;
      at += token.length;
    }
  }

  #token(token, from, to, rest) {
    this.open = null;
    const top = this.flows.at(-1);
    if (token === "{") this.flows.push({ key: null, mode: "key" });
    else if (token === "[") this.flows.push({ index: 0 });
    else if (top && (token === "}" || token === "]")) this.#close();
    else if (top && token === ",") this.#comma(top);
    else if (top && token === ":") top.mode = "value";
    else if (token.startsWith("#")) this.after = "none";
    else if (top && top.mode === "key" && /^ *:/.test(rest)) {
      top.key = token.replace(/^["']|["']$/g, "");
      this.#entry(from, to);
    } else {
      this.open = { word: token, from };
      if (this.last && this.last.value === null && (!top || top.mode === "value")) {
        Object.assign(this.last, { value: token.replace(/^["']|["']$/g, ""), valueFrom: from, valueTo: to });
      }
    }
  }

  #close() {
    this.flows.pop();
    this.last = null;
    this.after = "none";
  }

  #comma(top) {
    if ("index" in top) top.index += 1;
    else Object.assign(top, { key: null, mode: "key" });
    this.last = null;
  }

  state(text) {
    const top = this.flows.at(-1);
    const { word, from } = this.open ?? { word: "", from: text.length };
    const done = !this.open && this.after === "value" && this.last?.value != null;
    const mode = top ? (top.mode ?? "both") : done ? "none" : this.after;
    return { path: this.path(), mode, word, from };
  }
}

function match(pattern, line, at) {
  pattern.lastIndex = at;
  return pattern.exec(line)?.[0];
}
