// SPDX-License-Identifier: Apache-2.0
//
// Starts what inside.mjs starts, in a network of its own, and leads two ports
// of this machine to the sockets it listens at.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const scratch = mkdtempSync(join(tmpdir(), "sashlock-matter-"));
const data = process.env.MATTER_DATA ?? join(scratch, "data");
mkdirSync(data, { recursive: true, mode: 0o700 });
const sockets = { ws: join(scratch, "ws"), control: join(scratch, "control") };

// Its input ends with us, however we end; it takes that as the sign to end.
const inside = spawn("sh", ["network.sh", process.execPath, "inside.mjs"], {
	cwd: import.meta.dirname, stdio: ["pipe", "pipe", "inherit"],
	env: { ...process.env, MATTER_DATA: data, MATTER_WS: sockets.ws, MATTER_CONTROL: sockets.control },
});
inside.on("exit", (code) => {
	rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
	if (code === 77) process.stderr.write("the Matter peer needs a network of its own: run it as root, or allow user namespaces\n");
	process.exit(code ?? 1);
});

// lead joins a port of this machine to a socket inside.
function lead(port, socket) {
	return new Promise((resolve) => {
		const server = net.createServer((outer) => {
			const inner = net.connect(socket);
			const part = () => (outer.destroy(), inner.destroy());
			for (const end of [outer, inner]) end.on("error", part).on("close", part).setNoDelay?.(true);
			outer.pipe(inner).pipe(outer);
		});
		server.on("error", (failure) => {
			process.stderr.write(`${failure.message}\n`);
			inside.stdin.end();
		});
		server.listen(port, "127.0.0.1", () => resolve(server.address().port));
	});
}

inside.stdout.once("data", async () => {
	const ws = await lead(Number(process.env.MATTER_WS_PORT ?? 5580), sockets.ws);
	const control = await lead(Number(process.env.MATTER_CTL_PORT ?? 3021), sockets.control);
	process.stdout.write(`ready ws=ws://127.0.0.1:${ws}/ws control=http://127.0.0.1:${control}\n`);
});

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => inside.stdin.end());
