// Checks proofs where the reader is, with the hashes and signatures that
// browsers have built in. Nothing that is checked here is sent anywhere. The
// rules are those of the package internal/ledger/proof, which a test holds this
// file against.
const subtle = globalThis.crypto && crypto.subtle;
const byId = (id) => document.getElementById(id);
const word = (key) => document.querySelector('#says [data-key="' + key + '"]').textContent;
const utf8 = new TextEncoder();

const LIMIT = 64 << 20; // bytes of a bundle
const MOST = 2 ** 40; // entries of a ledger

const join = (...parts) => {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    all.set(p, at);
    at += p.length;
  }
  return all;
};
const sha = async (...parts) => new Uint8Array(await subtle.digest("SHA-256", join(...parts)));
const zero = Uint8Array.of(0);
const one = Uint8Array.of(1);
const leafOf = (commitment) => sha(zero, commitment);
const nodeOf = (left, right) => sha(one, left, right);
const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const hex = (b) => [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
const unhex = (s) => Uint8Array.from(s.match(/../g) || [], (x) => parseInt(x, 16));

class Bad extends Error {}
const need = (is, why) => {
  if (!is) throw new Bad(why);
};

// One spelling of base64 only.
function unbase64(s, size) {
  need(typeof s === "string" && s !== "" && s.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(s), "base64");
  const raw = atob(s);
  need(btoa(raw) === s, "base64");
  need(size === undefined || raw.length === size, "length");
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}

// Reads JSON so that it has one meaning: no field twice, numbers as plain
// digits.
function parse(text) {
  JSON.parse(text); // it is well formed; what follows only has to find its way
  let at = 0;
  const take = (re) => {
    re.lastIndex = at;
    const m = re.exec(text);
    need(m, "form");
    at = re.lastIndex;
    return m[0];
  };
  const space = () => take(/[ \t\r\n]*/y);
  const string = () => JSON.parse(take(/"(?:[^"\\]|\\.)*"/y));
  function list(end, item) {
    at++;
    space();
    while (text[at] !== end) {
      item();
      space();
      if (text[at] === ",") at++;
      space();
    }
    at++;
  }
  function value(depth) {
    need(depth < 8, "depth");
    space();
    if (text[at] === "{") {
      const o = new Map();
      list("}", () => {
        const name = string();
        need(!o.has(name), "twice " + name);
        space();
        at++; // the colon
        o.set(name, value(depth + 1));
      });
      return o;
    }
    if (text[at] === "[") {
      const a = [];
      list("]", () => a.push(value(depth + 1)));
      return a;
    }
    if (text[at] === '"') return string();
    const word = take(/[^\s,\]}]+/y);
    return word === "true" ? true : { number: word };
  }
  return value(0);
}

// The fields of an object: those that it must have, those that it may have.
function fields(o, must, may) {
  need(o instanceof Map, "object");
  for (const name of must) need(o.has(name), "missing " + name);
  for (const name of o.keys()) need(must.includes(name) || may.includes(name), "unknown " + name);
  return Object.fromEntries(o);
}
const textOf = (s, most) => {
  need(typeof s === "string" && s !== "" && utf8.encode(s).length <= most, "text");
  return s;
};
const hashesOf = (list) => {
  need(Array.isArray(list) && list.length <= 100, "proof");
  return list.map((h) => unbase64(h, 32));
};

function statement(raw) {
  const f = fields(raw, ["seq", "proof"], ["erased", "body", "salt", "commitment"]);
  need(f.seq && /^(0|[1-9]\d*)$/.test(f.seq.number) && +f.seq.number < MOST, "seq");
  const s = { seq: +f.seq.number, erased: "erased" in f, proof: hashesOf(f.proof) };
  need(!s.erased || f.erased === true, "erased");
  if ("commitment" in f) {
    s.commitment = unbase64(f.commitment, 32);
    need(s.commitment.some((x) => x), "commitment");
  }
  if (s.erased) {
    need(!("body" in f) && !("salt" in f) && s.commitment, "erased");
    return s;
  }
  s.body = unbase64(f.body);
  need(s.body.length <= 1 << 20, "body");
  s.salt = unbase64(f.salt, 32);
  return s;
}

function decode(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  const f = fields(parse(text), ["format", "origin", "checkpoint", "entries"], ["verifier_key", "consistency"]);
  need(f.format === "sashlock-evidence/1", "format");
  need(Array.isArray(f.entries) && f.entries.length <= 100000, "entries");
  const b = { origin: textOf(f.origin, 1024), checkpoint: textOf(f.checkpoint, 65536), entries: f.entries.map(statement) };
  need(new Set(b.entries.map((s) => s.seq)).size === b.entries.length, "twice");
  if ("verifier_key" in f) b.stated = textOf(f.verifier_key, 4096);
  if ("consistency" in f) {
    const c = fields(f.consistency, ["checkpoint", "proof"], []);
    b.older = { checkpoint: textOf(c.checkpoint, 65536), proof: hashesOf(c.proof) };
  }
  need(b.entries.length || b.older, "empty");
  return b;
}

// A verifier key: name+hash+base64 of an algorithm byte and the key.
async function keyOf(text) {
  const m = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  need(m, "badkey");
  const raw = unbase64(m[3], 33);
  need(raw[0] === 1, "badkey");
  const id = (await sha(utf8.encode(m[1] + "\n"), raw)).slice(0, 4);
  need(hex(id) === m[2], "badkey");
  let key = null; // null: this browser has no Ed25519
  try {
    key = await subtle.importKey("raw", raw.slice(1), { name: "Ed25519" }, false, ["verify"]);
  } catch {
    // said in the result
  }
  return { name: m[1], id, key };
}

// Opens a signed checkpoint; signed says whether its signature was checked.
async function open(note, trusted) {
  need(note.endsWith("\n") && !/[\x00-\x09\x0b-\x1f]/.test(note), "checkpoint");
  const cut = note.lastIndexOf("\n\n");
  need(cut >= 0, "checkpoint");
  const body = note.slice(0, cut + 1);
  const lines = note.slice(cut + 2, -1).split("\n");
  need(lines.length <= 100, "checkpoint");
  const seen = new Set();
  let found = false;
  let signed = false;
  for (const line of lines) {
    const m = /^— ([^ +]+) (\S+)$/.exec(line);
    need(m, "checkpoint");
    const raw = unbase64(m[2]);
    need(raw.length >= 5, "checkpoint");
    const who = m[1] + " " + hex(raw.slice(0, 4));
    need(!seen.has(who), "checkpoint");
    seen.add(who);
    if (m[1] !== trusted.name || !same(raw.slice(0, 4), trusted.id)) continue;
    found = true;
    if (trusted.key) {
      need(await subtle.verify({ name: "Ed25519" }, trusted.key, raw.slice(4), utf8.encode(body)), "checkpoint");
      signed = true;
    }
  }
  need(found, "checkpoint");
  const [origin, size, root, ...more] = body.slice(0, -1).split("\n");
  need(origin === trusted.name && /^(0|[1-9]\d*)$/.test(size) && +size <= MOST && more.every((x) => x !== ""), "checkpoint");
  return { origin, size: +size, root: unbase64(root, 32), signed };
}

const half = (n) => Math.floor(n / 2);

// RFC 9162, section 2.1.3.2.
async function included(c, seq, commitment, proof) {
  if (seq >= c.size) return false;
  let at = seq;
  let last = c.size - 1;
  let r = await leafOf(commitment);
  for (const p of proof) {
    if (last === 0) return false;
    if (at % 2 || at === last) {
      r = await nodeOf(p, r);
      while (at % 2 === 0 && at) [at, last] = [half(at), half(last)];
    } else {
      r = await nodeOf(r, p);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && same(r, c.root);
}

// RFC 9162, section 2.1.4.2.
async function continues(older, newer, proof) {
  if (older.size > newer.size) return false;
  if (older.size === 0) return !proof.length && same(older.root, await sha());
  if (older.size === newer.size) return !proof.length && same(older.root, newer.root);
  let path = proof;
  let [at, last] = [older.size - 1, newer.size - 1];
  while (at % 2) [at, last] = [half(at), half(last)];
  if (at === 0) path = [older.root, ...proof]; // a power of two
  if (!path.length) return false;
  let [a, b] = [path[0], path[0]];
  for (const c of path.slice(1)) {
    if (last === 0) return false;
    if (at % 2 || at === last) {
      [a, b] = [await nodeOf(c, a), await nodeOf(c, b)];
      while (at % 2 === 0 && at) [at, last] = [half(at), half(last)];
    } else {
      b = await nodeOf(b, c);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && same(a, older.root) && same(b, newer.root);
}

const prefix = utf8.encode("sashlock commitment v1\n");

// What is wrong with one statement; "" when it is proved.
async function judge(c, s) {
  if (s.erased) return (await included(c, s.seq, s.commitment, s.proof)) ? "" : "proof";
  const computed = await sha(prefix, s.salt, s.body);
  const fits = !s.commitment || same(s.commitment, computed);
  if (await included(c, s.seq, computed, s.proof)) return fits ? "" : "commitment";
  if (!fits && (await included(c, s.seq, s.commitment, s.proof))) return "body";
  return "proof";
}

// Checks a bundle: {unreadable} or {ok, problems, rows, signed, grown}.
export async function verify(bytes, trust) {
  if (bytes.length > LIMIT) return { unreadable: "large" };
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return { unreadable: "zip" };
  let key;
  let b;
  try {
    key = await keyOf(trust);
  } catch {
    return { unreadable: "badkey" };
  }
  try {
    b = decode(bytes);
    if (b.stated) await keyOf(b.stated); // it informs only, and must be one
  } catch (e) {
    return { unreadable: "unreadable", detail: e.message };
  }
  const out = { ok: false, problems: [], rows: [], signed: false };
  let c;
  try {
    need(b.origin === key.name, "origin");
    c = await open(b.checkpoint, key);
    out.signed = c.signed;
    out.size = c.size;
  } catch (e) {
    out.problems.push(e.message === "origin" ? "origin" : "checkpoint");
  }
  for (const s of b.entries) {
    const why = c ? await judge(c, s) : "checkpoint";
    out.rows.push({ seq: s.seq, why, erased: s.erased, body: s.body && new TextDecoder().decode(s.body) });
  }
  if (c && b.older) {
    try {
      const o = await open(b.older.checkpoint, key);
      need(await continues(o, c, b.older.proof), "older");
      out.grown = true;
    } catch {
      out.problems.push("older");
    }
  }
  out.ok = !out.problems.length && out.rows.every((r) => !r.why);
  return out;
}

// From here on: the page.
function el(name, cls, ...inside) {
  const e = document.createElement(name);
  if (cls) e.className = cls;
  e.append(...inside);
  return e;
}

function scrolled(text) {
  const e = el("code", "body", text);
  e.tabIndex = 0;
  return e;
}

function show(out, into) {
  const box = [];
  if (out.unreadable) {
    box.push(el("p", "notice tone-act", word(out.unreadable), ...(out.detail ? [el("br"), el("code", "", out.detail)] : [])));
  } else {
    const good = out.ok && out.signed;
    box.push(
      out.ok
        ? el("p", "notice result " + (good ? "tone-calm" : "tone-watch"), el("strong", "", "✓ " + word("proved")), " ", word(good ? "signature" : "nosignature"))
        : el("p", "notice result tone-act", el("strong", "", "✗ " + word("unproved"))),
    );
    for (const p of out.problems) box.push(el("p", "wrongly", el("span", "cross", "✗ "), word(p)));
    if (out.grown) box.push(el("p", "", el("span", "tick", "✓ "), word("grown")));
    const head = el("tr", "", ...["entry", "yes", "text"].map((k) => el("th", "", word(k))));
    for (const th of head.children) th.scope = "col";
    const rows = out.rows.slice(0, 500).map((r) => {
      const th = el("th", "", String(r.seq));
      th.scope = "row";
      const mark = r.why ? [el("span", "cross", "✗ "), el("span", "small", word(r.why))] : [el("span", "tick", "✓")];
      return el("tr", r.why ? "unmet" : "", th, el("td", "", ...mark), el("td", "", r.erased ? el("span", "quiet", word("erased")) : scrolled(r.body)));
    });
    box.push(el("div", "wide", el("table", "data", el("thead", "", head), el("tbody", "", ...rows))));
  }
  into.replaceChildren(...box);
  into.dataset.verdict = out.ok ? "proved" : "not proved";
}

// A file that is chosen or dropped.
const form = byId("bundle-form");
if (form && subtle) {
  const file = byId("bundle");
  const check = async (f) => {
    if (!f) return;
    const out = f.size > LIMIT ? { unreadable: "large" } : await verify(new Uint8Array(await f.arrayBuffer()), byId("trusted").value.trim());
    show(out, byId("checked"));
  };
  file.addEventListener("change", () => check(file.files[0]));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    check(file.files[0]);
  });
  byId("trusted").addEventListener("change", () => check(file.files[0]));
  const card = byId("drop");
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (e) => {
      if (!e.dataTransfer || !e.dataTransfer.types.includes("Files")) return;
      e.preventDefault();
      card.classList.toggle("over", kind === "dragover");
      if (kind === "drop") check(e.dataTransfer.files[0]);
    });
  }
}

// One entry, from its own page.
const go = byId("check");
if (go && subtle) {
  go.addEventListener("click", async () => {
    go.disabled = true;
    show(await verify(utf8.encode(byId("bundle-text").textContent), byId("trusted").textContent), byId("checked"));
    go.disabled = false;
  });
}
if (!subtle) {
  document.documentElement.classList.add("plain");
  const into = byId("checked");
  if (into) into.append(el("p", "notice tone-watch", word("insecure")));
}

// A download leaves the page as it is: its form may be sent again.
document.addEventListener("submit", (e) => {
  if ("again" in e.target.dataset) setTimeout(() => delete e.target.dataset.sent, 500);
});

// The tree that can be poked.
const tree = byId("tree");
if (tree && subtle) {
  const nodes = [...tree.querySelectorAll("[data-node]")].sort((a, b) => a.dataset.node - b.dataset.node);
  const edges = [...tree.querySelectorAll(".edge")];
  const root = nodes[nodes.length - 1];
  const [flip, mend, link] = [byId("flip"), byId("mend"), byId("leaf-go")];
  let chosen = nodes.find((n) => n.dataset.seq === tree.dataset.leaf) || null;
  let way = [];

  const write = (n, hash, changed) => {
    n.querySelector(".hex").textContent = hex(hash.slice(0, 3));
    n.classList.toggle("changed", changed);
  };
  const edge = (a, b) => edges.find((e) => e.dataset.from === a.dataset.node && e.dataset.to === b.dataset.node);

  function light(leaf) {
    restore();
    chosen = leaf;
    way = [leaf];
    for (const e of [...nodes, ...edges]) e.classList.remove("lit", "used");
    leaf.classList.add("lit");
    for (const n of nodes) {
      const last = way[way.length - 1];
      const mine = [n.dataset.left, n.dataset.right];
      if (!mine.includes(last.dataset.node)) continue;
      const other = mine[0] === last.dataset.node ? mine[1] : mine[0];
      if (other) nodes[other].classList.add("used");
      n.classList.add("lit");
      edge(n, last).classList.add("lit");
      way.push(n);
    }
    byId("leaf-says").textContent = word("entry") + " " + leaf.dataset.seq + (leaf.dataset.words ? ": " + leaf.dataset.words : "");
    byId("root-says").textContent = "";
    flip.disabled = false;
    link.hidden = false;
    link.href = "/proof/entries/" + leaf.dataset.seq;
  }

  function restore() {
    for (const n of way) write(n, unhex(n.dataset.hash), false);
    for (const e of edges) e.classList.remove("changed");
    mend.hidden = true;
    flip.hidden = false;
    byId("root-says").textContent = "";
    byId("root-says").classList.remove("wrong");
  }

  // The hashes of the way, computed anew from the leaf's commitment.
  async function climb(commitment, each) {
    let hash = await leafOf(commitment);
    each(way[0], hash);
    for (let i = 1; i < way.length; i++) {
      const n = way[i];
      if (n.dataset.chain) {
        for (const left of n.dataset.chain.split(" ")) hash = await nodeOf(unhex(left), hash);
      } else if (n.dataset.left === way[i - 1].dataset.node) {
        hash = await nodeOf(hash, unhex(nodes[n.dataset.right].dataset.hash));
      } else {
        hash = await nodeOf(unhex(nodes[n.dataset.left].dataset.hash), hash);
      }
      each(n, hash);
    }
    return hash;
  }

  flip.addEventListener("click", async () => {
    const commitment = unhex(chosen.dataset.commitment);
    commitment[7] ^= 4;
    const changed = [];
    await climb(commitment, (n, hash) => changed.push([n, hash]));
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    flip.hidden = true;
    mend.hidden = false;
    changed.forEach(([n, hash], i) => {
      setTimeout(() => {
        if (mend.hidden) return;
        write(n, hash, true);
        if (i) edge(n, way[i - 1]).classList.add("changed");
        if (n !== root) return;
        byId("root-says").textContent = word("changed");
        byId("root-says").classList.add("wrong");
      }, still ? 0 : i * 220);
    });
  });
  mend.addEventListener("click", restore);

  for (const leaf of nodes.filter((n) => n.dataset.seq)) {
    leaf.addEventListener("click", async (e) => {
      e.preventDefault();
      light(leaf);
      const got = await climb(unhex(leaf.dataset.commitment), () => {});
      const right = hex(got) === root.dataset.hash;
      byId("root-says").textContent = word(right ? "same" : "differs");
      byId("root-says").classList.toggle("wrong", !right);
    });
  }
  if (chosen) chosen.dispatchEvent(new MouseEvent("click", { cancelable: true }));
}
