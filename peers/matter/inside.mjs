// SPDX-License-Identifier: Apache-2.0
//
// Inside the network: the lock, the controller, and the hands that do things
// to both, as an HTTP server at a socket.

import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer } from "node:http";
import net from "node:net";
import { join } from "node:path";
import WebSocket from "ws";

const { MATTER_DATA: data, MATTER_WS: way, MATTER_CONTROL: control } = process.env;
const ws = `${way}.server`;
const code = "34970112332"; // of the virtual lock: passcode 20202021, discriminator 3840

const lock = fork(join(import.meta.dirname, "lock.mjs"), { env: { ...process.env, MATTER_DATA: join(data, "lock") }, stdio: ["ignore", 2, 2, "ipc"] });
lock.on("exit", () => end(1));

let server;
async function start() {
	if (server?.exitCode === null && server.signalCode === null) return;
	rmSync(ws, { force: true });
	server = spawn(process.execPath, [join(import.meta.dirname, "../../sidecar/matter/server.mjs")], {
		stdio: ["ignore", "pipe", 2],
		env: { ...process.env, MATTER_LISTEN: ws, MATTER_DATA: join(data, "fabric"), MATTER_INTERVAL: process.env.MATTER_INTERVAL ?? "3" },
	});
	await once(server.stdout, "data");
}

async function stop(signal) {
	if (server.exitCode !== null || server.signalCode !== null) return;
	const gone = once(server, "exit");
	server.kill(signal);
	await gone;
}

// ask has the controller do something, as any client would.
async function ask(command, args) {
	const socket = new WebSocket(`ws+unix:${ws}:/ws`);
	try {
		for await (const [text] of listen(socket)) {
			const message = JSON.parse(text);
			if (message.sdk_version) socket.send(JSON.stringify({ message_id: "1", command, args }));
			if (message.error_code !== undefined) throw new Error(message.details);
			if (message.message_id === "1") return message.result;
		}
	} finally {
		socket.terminate();
	}
}

async function* listen(socket) {
	const heard = [];
	let wake;
	socket.on("message", (...message) => (heard.push(message), wake?.()));
	for (;;) {
		while (heard.length > 0) yield heard.shift();
		await new Promise((resolve, reject) => {
			wake = resolve;
			socket.once("error", reject).once("close", reject);
		});
	}
}

let next = 0;
const waiting = new Map();
lock.on("message", ({ id, failure, result }) => {
	const { resolve, reject } = waiting.get(id) ?? {};
	waiting.delete(id);
	failure === undefined ? resolve?.(result) : reject?.(new Error(failure));
});

// world does something to the lock.
function world(act, query) {
	const id = ++next;
	return new Promise((resolve, reject) => {
		waiting.set(id, { resolve, reject });
		lock.send({ id, act, query });
	});
}

// The way to the controller can be cut while it goes on.
let cut = false;
const crossing = new Set();
const gate = net.createServer((outer) => {
	if (cut) return outer.destroy();
	const inner = net.connect(ws);
	crossing.add(outer);
	const part = () => (outer.destroy(), inner.destroy(), crossing.delete(outer));
	for (const end of [outer, inner]) end.on("error", part).on("close", part);
	outer.pipe(inner).pipe(outer);
});

const acts = {
	"server-down": () => {
		cut = true;
		for (const outer of crossing) outer.destroy();
	},
	"server-up": async () => {
		await start();
		cut = false;
	},
	"server-stop": () => stop("SIGTERM"),
	"server-kill": () => stop("SIGKILL"),
};

const hands = createServer(async (request, answer) => {
	const url = new URL(request.url, "http://world");
	const act = url.pathname.slice(1);
	try {
		const query = Object.fromEntries(url.searchParams);
		const result = act in acts ? await acts[act]() : await world(act, query);
		answer.end(result === undefined ? "ok\n" : `${JSON.stringify(result)}\n`);
	} catch (failure) {
		answer.writeHead(500).end(`${failure.message}\n`);
	}
});

let ended = false;
async function end(exit) {
	if (ended) return;
	ended = true;
	lock.kill("SIGKILL");
	if (server) await stop("SIGTERM");
	process.exit(exit);
}
process.stdin.on("end", () => end(0)).resume();

await Promise.all([world("ready", {}), start()]);
if ((await ask("get_nodes", {})).length === 0) await ask("commission_with_code", { code });
gate.listen(way, () => hands.listen(control, () => process.stdout.write("ready\n")));
