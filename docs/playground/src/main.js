const worker = new Worker("worker.js", { type: "module" });
const [text, state, picture] = ["text", "state", "picture"].map((id) => document.getElementById(id));
const first = await (await fetch("first.json")).json();
const look = () => worker.postMessage({ id: 0, name: "look", given: { text: text.value } });

worker.onmessage = ({ data }) => {
  if (data.failed) state.textContent = data.failed;
  if (data.answer) show(data.answer.ok);
};
text.value = first.text;
text.addEventListener("input", look);
show(first.look);
look();

function show(seen) {
  state.textContent = seen.faults.map((fault) => `${fault.path}: ${fault.message}`).join("\n") || seen.name;
  if (seen.svg) picture.src = URL.createObjectURL(new Blob([seen.svg], { type: "image/svg+xml" }));
}
