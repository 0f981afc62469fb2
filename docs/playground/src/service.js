// Keeps the files of one build, so that the second visit needs no network.
const CACHE = "playground-BUILD";
const files = FILES;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(files.map((file) => new Request(file, { cache: "no-cache" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const left = (key) => key.startsWith("playground-") && key !== CACHE;
  event.waitUntil(
    caches
      .keys()
      .then((keys) => Promise.all(keys.filter(left).map((key) => caches.delete(key))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const name = url.pathname.slice(new URL(self.registration.scope).pathname.length);
  if (event.request.method !== "GET" || !files.includes(name || "index.html")) return;
  event.respondWith(
    caches
      .open(CACHE)
      .then((cache) => cache.match(name || "index.html"))
      .then((found) => found ?? fetch(event.request)),
  );
});
