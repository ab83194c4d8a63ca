// SPDX-License-Identifier: Apache-2.0
//
// Seam's own fake of its cloud, as it is published, with what it lacks: a way to
// play the physical world, delivery of webhooks with the library that Seam signs
// with, and a line to it that can be cut, slow or wrong. Everything listens on
// 127.0.0.1 only.
import { randomUUID } from "node:crypto";
import http from "node:http";
import net from "node:net";
import { createFake } from "@seamapi/fake-seam-connect";
import { Webhook } from "svix";

const HOST = "127.0.0.1";
const WORKSPACE = "seed_workspace_1";
const SECRET = process.env.SEAM_WEBHOOK_SECRET ?? "whsec_c2FzaGxvY2stdGVzdC1vZi13ZWJob29rcw==";

// The fake listens on every address of the machine; here it may not.
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (where, ...rest) {
  if (typeof where === "number") return listen.call(this, where, HOST, ...rest.filter((a) => typeof a === "function"));
  return listen.call(this, typeof where === "object" && where !== null ? { ...where, host: HOST } : where, ...rest);
};

const real = await createFake();
await real.seed();
const db = real.database;

// --- devices -------------------------------------------------------------

const account = { august: "john_connected_account_id", schlage: "jane_connected_account_id" };

function addLock(device_id, device_type, name) {
  db.addDevice({
    device_id, device_type, name, workspace_id: WORKSPACE, connected_account_id: account.august,
    can_remotely_lock: true, can_remotely_unlock: true, can_program_online_access_codes: true, properties: { locked: true },
  });
}
addLock("yale_device_1", "yale_lock", "Stock room");
addLock("kwikset_device_1", "kwikset_lock", "Cage");

const locks = ["august_device_1", "august_device_2", "schlage_device_id", "yale_device_1", "kwikset_device_1"];
const makers = { august_lock: "August", schlage_lock: "Schlage", yale_lock: "Yale", kwikset_lock: "Kwikset" };
const device = (id) => db.getState().devices.find((d) => d.device_id === id);
const properties = (id, more) => db.updateDevice({ device_id: id, properties: more });

// How a bolt really is, whatever was ordered: "moves", "stuck" (the order
// succeeds, the bolt stays) or "refuses" (the order fails).
const bolts = new Map();
let told = 0; // orders that reached the fake

// The fake carries out an order in one go: it adds an attempt, ends it well,
// changes the device and adds an event. It gets a database in which that is
// what the bolt does, and in which the event says what Seam's real ones say.
let attempt;
const world = {
  addActionAttempt: (p) => {
    told++;
    attempt = db.addActionAttempt(p);
    return attempt;
  },
  updateDevice: (p) => {
    if (bolts.get(p.device_id) === "refuses") {
      const error = { type: "device_offline", message: "not for your eyes" };
      db.updateActionAttempt({ ...attempt, status: "error", error });
    }
    return bolts.get(p.device_id) === "moves" ? db.updateDevice(p) : device(p.device_id);
  },
  addEvent: (p) => bolts.get(p.device_id) === "moves"
    ? db.addEvent({ ...p, method: "seamapi", action_attempt_id: attempt.action_attempt_id })
    : undefined,
};
const fake = new real.constructor(new Proxy({}, { get: (_, name) => world[name] ?? db[name] }));

/** Somebody at the lock moves its bolt. */
function moves(id, locked, method, more = {}) {
  properties(id, { locked });
  return happens(id, locked ? "lock.locked" : "lock.unlocked", { method, ...more });
}

function happens(id, event_type, more = {}) {
  return db.addEvent({ event_type, workspace_id: WORKSPACE, device_id: id, connected_account_id: account.august, ...more });
}

function reset(id) {
  bolts.set(id, "moves");
  const { device_type } = device(id);
  properties(id, {
    locked: true, online: true, manufacturer: makers[device_type].toLowerCase(), battery: { level: 0.87, status: "full" },
    model: { display_name: "Smart Lock", manufacturer_display_name: makers[device_type] },
    ...(id === "august_device_2" ? { door_open: false } : {}),
  });
}
locks.forEach(reset);

// --- webhooks ------------------------------------------------------------

// on, drop, double, forge, late, or hold (kept, and sent in reverse at the next change)
const mail = { mode: "on", held: [], done: new Set(db.getState().events.map((e) => e.event_id)), answers: [] };

async function send(event, { secret = SECRET, age = 0, id = `msg_${randomUUID()}`, tries = 3 } = {}) {
  const body = JSON.stringify(event);
  for (let n = 0; n < tries; n++) {
    const at = new Date(Date.now() - age);
    const headers = {
      "content-type": "application/json", "svix-id": id, "svix-timestamp": String(Math.floor(at / 1000)),
      "svix-signature": new Webhook(secret).sign(id, at, body),
    };
    const status = await fetch(process.env.SEAM_WEBHOOK, { method: "POST", headers, body }).then((r) => r.status, () => 0);
    mail.answers.push(status);
    if (status >= 200 && status < 300) return;
    await new Promise((done) => setTimeout(done, 200 * 2 ** n));
  }
}

async function deliver(event) {
  switch (mail.mode) {
    case "drop": return;
    case "hold": mail.held.push(event); return;
    case "double": {
      const id = `msg_${randomUUID()}`;
      await Promise.all([send(event, { id }), send(event, { id }), send(event)]);
      return;
    }
    case "forge": return send(event, { secret: "whsec_" + Buffer.alloc(24, 7).toString("base64"), tries: 1 });
    case "late": return send(event, { age: 6 * 60_000, tries: 1 });
    default: return send(event);
  }
}

if (process.env.SEAM_WEBHOOK) {
  setInterval(() => {
    for (const e of db.getState().events) {
      if (mail.done.has(e.event_id)) continue;
      mail.done.add(e.event_id);
      deliver(e);
    }
  }, 20);
}

function setMail(mode) {
  const held = mail.held.splice(0).reverse();
  Object.assign(mail, { mode, answers: [] });
  held.forEach((e) => deliver(e));
}

// --- the line to the cloud -----------------------------------------------

// What goes wrong: for a route, how, how often still, and for how many seconds.
let faults = [];

function faultFor(route) {
  const f = faults.find((f) => f.left > 0 && (f.route === route || f.route === "*"));
  if (f) f.left--;
  return f;
}

const upstream = await (async () => {
  const free = net.createServer();
  await new Promise((done) => free.listen(0, done));
  const { port } = free.address();
  await new Promise((done) => free.close(done));
  await fake.startServer({ port });
  return port;
})();

let asked = {};
const cloud = http.createServer(async (q, s) => {
  const route = q.url.split("?")[0];
  asked[route] = (asked[route] ?? 0) + 1;
  const chunks = [];
  for await (const c of q) chunks.push(c);
  const body = Buffer.concat(chunks);
  const f = faultFor(route);
  switch (f?.kind) {
    case "429": return s.writeHead(429, { "retry-after": String(f.seconds) }).end('{"error":{"type":"rate_limited"}}');
    case "500": return s.writeHead(500).end("<html>oops</html>");
    case "503": return s.writeHead(503).end();
    case "slow": await new Promise((done) => setTimeout(done, 1000 * f.seconds)); break;
    case "gone": return s.destroy();
  }
  const up = http.request({ host: HOST, port: upstream, path: q.url, method: q.method, headers: { ...q.headers, host: `${HOST}:${upstream}` } }, async (a) => {
    const parts = [];
    for await (const c of a) parts.push(c);
    let text = Buffer.concat(parts);
    if (f?.kind === "cut") {
      s.writeHead(a.statusCode, { ...a.headers, "content-length": text.length });
      s.write(text.subarray(0, text.length / 2));
      return setTimeout(() => s.destroy(), 20);
    }
    if (f?.kind === "lie") text = Buffer.from('{"devices":null,"events":"none","ok":true}');
    delete a.headers["transfer-encoding"];
    s.writeHead(a.statusCode, { ...a.headers, "content-length": text.length }).end(text);
  });
  up.on("error", () => s.destroy());
  up.end(body);
});

const port = Number(process.env.SEAM_PORT ?? 8090);
let cloudPort = port;
cloud.on("error", (err) => {
  console.error(`the cloud cannot listen at ${cloudPort}: ${err.message}`);
  process.exit(1);
});
const openCloud = () => cloud.listening || new Promise((done) => cloud.listen(cloudPort, () => {
  cloudPort = cloud.address().port;
  done();
}));
const closeCloud = () => cloud.listening && new Promise((done) => {
  cloud.close(done);
  cloud.closeAllConnections();
});
await openCloud();

// --- the physical world --------------------------------------------------

const acts = {
  "/keypad-unlock": (id, q) => moves(id, false, "keycode", { access_code_id: q.get("code") ?? undefined }),
  "/keypad-lock": (id) => moves(id, true, "keycode"),
  "/manual-unlock": (id) => moves(id, false, "manual"),
  "/manual-lock": (id) => moves(id, true, "manual"),
  "/auto-lock": (id) => moves(id, true, "automatic"),
  "/silent-unlock": (id) => properties(id, { locked: false }), // no event tells of it
  "/wrong-code": (id) => happens(id, "lock.access_denied"),
  "/tamper": (id) => happens(id, "device.tampered"),
  "/battery": (id, q) => {
    const level = Number(q.get("level")) / 100;
    properties(id, { battery: { level, status: level < 0.2 ? "low" : "good" } });
    if (level < 0.2) happens(id, "device.low_battery", { battery_level: level });
  },
  "/door-open": (id) => properties(id, { door_open: true }),
  "/door-closed": (id) => properties(id, { door_open: false }),
  "/offline": (id) => (properties(id, { online: false }), happens(id, "device.disconnected", { error_code: "device_disconnected" })),
  "/online": (id) => (properties(id, { online: true }), happens(id, "device.connected")),
  "/bolt": (id, q) => bolts.set(id, q.get("as")),
  "/reset": reset,
  "/set-code": (id, q) => {
    const c = db.addAccessCode({ code: q.get("code"), device_id: id, name: "of the test", workspace_id: WORKSPACE, type: "ongoing", is_managed: q.get("managed") !== "0" });
    db.updateAccessCode({ access_code_id: c.access_code_id, status: "set" });
    return c.access_code_id;
  },
  "/clear-codes": (id) => {
    for (const c of db.getState().access_codes) if (c.device_id === id) db.deleteAccessCode(c.access_code_id);
  },
  "/state": (id) => JSON.stringify({ locked: device(id).properties.locked, orders: told }),
};

const everywhere = {
  "/down": closeCloud,
  "/up": openCloud,
  "/webhooks": (q) => setMail(q.get("mode")),
  "/answers": () => JSON.stringify(mail.answers),
  "/asked": () => JSON.stringify(asked),
  "/fault": (q) => faults.push({ route: q.get("route") ?? "*", kind: q.get("kind"), left: Number(q.get("count") ?? 1), seconds: Number(q.get("seconds") ?? 1) }),
  "/well": () => {
    faults = [];
    asked = {};
    setMail("on");
  },
};

const control = http.createServer(async (q, s) => {
  const url = new URL(q.url, "http://world");
  const id = url.searchParams.get("device");
  try {
    let said;
    if (everywhere[url.pathname]) said = await everywhere[url.pathname](url.searchParams);
    else if (acts[url.pathname] && device(id)) said = acts[url.pathname](id, url.searchParams);
    else return s.writeHead(404).end("no such act or device\n");
    s.end(typeof said === "string" ? said : "ok");
  } catch (err) {
    s.writeHead(500).end(`${err.stack}\n`);
  }
});
await new Promise((done) => control.listen(Number(process.env.SEAM_CTL_PORT ?? 8091), done));

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
console.log(`ready url=http://${HOST}:${cloudPort} control=http://${HOST}:${control.address().port}`);
