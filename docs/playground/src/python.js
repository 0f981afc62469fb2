// Python's side of the page: one worker, one question at a time, each with a limit of time.

export const LIMIT = 10_000;
const SLOW = 60_000;

export class Superseded extends Error {}

export class Python {
  #waiting = [];
  #current = null;
  #worker = null;
  #ready = false;
  #slow = null;

  /** `told` is called with "starting", "slow", "ready", "busy", or "failed" and a reason. */
  constructor(told) {
    this.told = told;
    this.#start();
  }

  /** The answer of `engine.py`. A later question of the same `key` takes the place of one that waits. */
  ask(name, given, key = name) {
    this.#waiting = this.#waiting.filter((job) => {
      if (job.key === key) job.reject(new Superseded());
      return job.key !== key;
    });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ name, given, key, resolve, reject });
      this.#next();
    });
  }

  #start() {
    this.#ready = false;
    this.told("starting");
    // Not every browser reports a file that cannot be had: a page that only waits says so.
    clearTimeout(this.#slow);
    this.#slow = setTimeout(() => this.told("slow"), SLOW);
    // A worker of a blob keeps the content security policy of this page; one of a URL has none.
    const script = `import ${JSON.stringify(new URL("worker.js", document.baseURI).href)};`;
    const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#heard(data);
    this.#worker.onerror = (event) => this.#failed(event.message || "its script did not load");
  }

  #heard(data) {
    if (data.failed !== undefined) return this.#failed(data.failed);
    if (data.ready) {
      this.#ready = true;
      clearTimeout(this.#slow);
      this.told("ready");
      return this.#next();
    }
    const job = this.#current;
    this.#current = null;
    clearTimeout(job.timer);
    this.told("ready");
    if (data.answer.error) job.reject(new Refused(data.answer.error));
    else job.resolve(data.answer.ok);
    this.#next();
  }

  #failed(reason) {
    clearTimeout(this.#slow);
    this.told("failed", reason);
  }

  #next() {
    if (!this.#ready || this.#current || this.#waiting.length === 0) return;
    const job = this.#waiting.shift();
    this.#current = job;
    this.told("busy");
    job.timer = setTimeout(() => this.#stop(), LIMIT);
    this.#worker.postMessage({ name: job.name, given: job.given });
  }

  #stop() {
    const job = this.#current;
    this.#current = null;
    this.#worker.terminate();
    this.#start();
    job.reject(new Error(`Stopped after ${LIMIT / 1000} seconds: this takes too long in a browser.`));
  }
}

/** An answer that says what is wrong with the question. */
export class Refused extends Error {
  constructor({ message, remedy }) {
    super(remedy ? `${message}: ${remedy}` : message);
  }
}
