// The worker of the installed app. It keeps the files listed in "shell" and
// nothing else: no page with data is kept, and nothing but a GET is touched.
const kept = "shell " + shell.join(" ").length + " " + shell[0].split("v=")[1];

self.addEventListener("install", (e) => {
  const keep = async (cache, url) => {
    const answer = await fetch(url, { credentials: "omit", cache: "no-cache" });
    if (!answer.ok) throw new Error(url);
    await cache.put(url, answer);
  };
  e.waitUntil(
    caches.open(kept).then((cache) => Promise.all(shell.map((url) => keep(cache, url)))).then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (e) => {
  e.waitUntil(
    caches.keys().then((all) => Promise.all(all.filter((name) => name.startsWith("shell ") && name !== kept).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  );
});

async function offline() {
  const spoken = await caches.match("/language");
  const language = (spoken ? await spoken.text() : navigator.language).slice(0, 2);
  return (await caches.match("/offline?language=" + language)) || (await caches.match("/offline?language=en")) || Response.error();
}

self.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== location.origin) return;
  if (e.request.mode === "navigate") {
    e.respondWith(fetch(e.request).catch(offline));
  } else if (url.pathname.startsWith("/static/") && shell.includes(url.pathname + url.search)) {
    e.respondWith(caches.match(url.pathname + url.search).then((have) => have || fetch(e.request)));
  }
});

// The page says in which language it is read.
self.addEventListener("message", (e) => {
  if (/^[a-z]{2}$/.test(e.data?.language)) {
    e.waitUntil(caches.open("language").then((cache) => cache.put("/language", new Response(e.data.language))));
  }
});

self.addEventListener("push", (e) => {
  let told = {};
  try {
    told = e.data.json();
  } catch {} // a message without words still has to show something
  e.waitUntil(
    self.registration.showNotification(told.title || "Sashlock", {
      body: told.body || "",
      tag: told.tag || "sashlock",
      renotify: true,
      data: { path: told.path },
      icon: shell.find((url) => url.includes("icon-192")),
    }),
  );
});

self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  const path = /^\/[a-z]/.test(e.notification.data?.path) ? e.notification.data.path : "/serve";
  e.waitUntil(
    self.clients.matchAll({ type: "window" }).then((all) => {
      const here = all.find((one) => new URL(one.url).pathname === path);
      return here ? here.focus() : self.clients.openWindow(path);
    }),
  );
});
