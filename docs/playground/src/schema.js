// What the JSON Schema of specifications says at a place of a text.

/** The alternatives that may stand at `path`; `kindAt` gives the kind that a mapping there has. */
export function alternatives(schema, path, kindAt) {
  let found = expanded(schema, schema);
  for (const [index, part] of path.entries()) {
    found = chosen(found, kindAt(path.slice(0, index)));
    found = found.flatMap((each) => step(each, part)).flatMap((each) => expanded(schema, each));
  }
  return chosen(found, kindAt(path));
}

/** The schema of one key: its description is about the key itself, not about its values. */
export function ofKey(schema, path, kindAt) {
  const holders = alternatives(schema, path.slice(0, -1), kindAt);
  return holders.map((each) => each.properties?.[path.at(-1)]).find((each) => each !== undefined);
}

/** The keys that mappings at a place may have: [{label, info, detail}]. */
export function keys(found, present) {
  const seen = new Map();
  for (const each of found) {
    for (const [label, value] of Object.entries(each.properties ?? {})) {
      if (!present.has(label) && !seen.has(label)) {
        seen.set(label, { label, info: value.description ?? "", detail: defaultText(value) });
      }
    }
  }
  return [...seen.values()];
}

/** The scalars that may stand at a place: [{label, info}]. */
export function values(found) {
  const seen = new Map();
  for (const each of found) {
    const listed = each.enum ?? ("const" in each ? [each.const] : each.type === "boolean" ? [true, false] : []);
    listed.forEach((value, index) => {
      const info = each.enumDescriptions?.[index] ?? (each.const === value ? each.description : "") ?? "";
      if (!seen.has(String(value))) seen.set(String(value), { label: String(value), info });
    });
  }
  return [...seen.values()];
}

function defaultText(value) {
  if (value.default === undefined) return "";
  return value.default === null ? "" : `= ${JSON.stringify(value.default).replaceAll('"', "")}`;
}

/** Only the alternatives of a mapping's kind, where some are of that kind. */
function chosen(found, kind) {
  if (kind === undefined) return found;
  const same = found.filter((each) => each.properties?.kind && kindsOf(each).includes(kind));
  return same.length ? same : found;
}

function kindsOf(each) {
  const kind = each.properties.kind;
  return kind.enum ?? [kind.const];
}

function step(each, part) {
  if (typeof part === "number") return [each.prefixItems?.[part] ?? each.items].filter(Boolean);
  const inner = each.properties?.[part];
  if (inner) return [inner];
  return typeof each.additionalProperties === "object" ? [each.additionalProperties] : [];
}

/** A schema as the list of its alternatives, with references followed. */
function expanded(root, each, depth = 0) {
  if (!each || depth > 12) return [];
  if (each.$ref) {
    const named = each.$ref.replace("#/$defs/", "");
    return expanded(root, each.$ref === "#" ? root : root.$defs[named], depth + 1);
  }
  const inner = [...(each.anyOf ?? []), ...(each.oneOf ?? []), ...(each.allOf ?? [])];
  const parts = inner.flatMap((one) => expanded(root, one, depth + 1));
  return each.properties || each.enum || "const" in each || each.items || !inner.length ? [each, ...parts] : parts;
}
