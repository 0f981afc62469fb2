// Links that hold a specification: `#spec=` and the text, deflated, as base64url.

export const MAX_TEXT = 65_536;

/** The fragment of a link that holds `text`. */
export async function fragmentOf(text) {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const base64 = btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return `#spec=${base64}`;
}

/** What a fragment asks for: `{text}`, `{name}` of the catalogue, or null. Throws on a broken link. */
export async function wanted(fragment) {
  const name = /^#name=([\w.-]{1,100})$/.exec(fragment);
  if (name) return { name: name[1] };
  const spec = /^#spec=([\w-]*)$/.exec(fragment);
  if (spec) return { text: await inflated(spec[1]) };
  if (fragment.length > 1) throw new Error("This link holds no specification.");
  return null;
}

async function inflated(base64) {
  const broken = "This link is broken: its specification cannot be read.";
  let text = "";
  try {
    const binary = atob(base64.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const decoder = new TextDecoderStream("utf-8", { fatal: true });
    const reader = stream.pipeThrough(decoder).getReader();
    // A few bytes can stand for gigabytes: what is too long is never unpacked to its end.
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      text += part.value;
      if (text.length > MAX_TEXT) break;
    }
    if (text.length > MAX_TEXT) await reader.cancel();
  } catch (error) {
    throw new Error(broken, { cause: error });
  }
  if (text.length > MAX_TEXT) {
    throw new Error(`The specification of this link is longer than ${MAX_TEXT} characters.`);
  }
  return text;
}
