// Text of a language as elements, with a class for each kind of word.
import { pythonLanguage } from "@codemirror/lang-python";
import { yamlLanguage } from "@codemirror/lang-yaml";
import { classHighlighter, highlightCode } from "@lezer/highlight";
import { element } from "./dom.js";

const LANGUAGES = { python: pythonLanguage, yaml: yamlLanguage };

/** `text` as nodes, for a `pre`. */
export function painted(text, language) {
  const nodes = [];
  const put = (part, classes) => nodes.push(classes ? element("span", { class: classes }, part) : part);
  highlightCode(text, LANGUAGES[language].parser.parse(text), classHighlighter, put, () => nodes.push("\n"));
  return nodes;
}
