// SPDX-License-Identifier: Apache-2.0
//
// A virtual Matter device of matter.js: a door lock at endpoint 1, a contact
// at 2, a motion sensor at 3. All of Matter is real; the bolt is a variable.
// The parent process does things to it: {id, act, query} is answered by
// {id, result} or {id, failure}.

import { Socket } from "node:dgram";
import { Environment, Logger, LogLevel, ServerNode, VendorId } from "@matter/main";
import { BooleanStateServer } from "@matter/main/behaviors/boolean-state";
import { DoorLockServer } from "@matter/main/behaviors/door-lock";
import { OccupancySensingServer } from "@matter/main/behaviors/occupancy-sensing";
import { PowerSourceServer } from "@matter/main/behaviors/power-source";
import { DoorLock } from "@matter/main/clusters/door-lock";
import { PowerSource } from "@matter/main/clusters/power-source";
import { ContactSensorDevice } from "@matter/main/devices/contact-sensor";
import { DoorLockDevice } from "@matter/main/devices/door-lock";
import { OccupancySensorDevice } from "@matter/main/devices/occupancy-sensor";
import { StatusResponse } from "@matter/main/types";

const { LockState, DoorState, AlarmCode } = DoorLock;
const byManual = 1, byKeypad = 3, byAuto = 4; // operation sources
const toLock = 0, toUnlock = 1; // operation types
const USERS = 20;

Environment.default.vars.set("storage.path", process.env.MATTER_DATA);
Environment.default.vars.set("runtime.signals", false);
Logger.level = LogLevel.ERROR;
process.on("disconnect", () => process.exit(0));

// Off the air, nothing gets out and nothing in.
let silent = false;
const { send, emit } = Socket.prototype;
Socket.prototype.send = function (...args) {
	if (!silent) return send.apply(this, args);
	const done = args.at(-1);
	if (typeof done === "function") process.nextTick(done, null, 0);
};
Socket.prototype.emit = function (event, ...args) {
	return event === "message" && silent ? false : emit.call(this, event, ...args);
};

let jammed = false;
let refuses = false; // it keeps no PIN it is sent
const Base = DoorLockServer.with("PinCredential", "User", "CredentialOverTheAirAccess", "WeekDayAccessSchedules", "YearDayAccessSchedules", "DoorPositionSensor");
class Lock extends Base {
	#blocked() {
		if (!jammed) return;
		this.events.doorLockAlarm.emit({ alarmCode: AlarmCode.LockJammed }, this.context);
		throw new StatusResponse.FailureError("the bolt is blocked");
	}
	lockDoor(request) {
		this.#blocked();
		return super.lockDoor(request);
	}
	unlockDoor(request) {
		this.#blocked();
		return super.unlockDoor(request);
	}
	unlockWithTimeout(request) {
		this.#blocked();
		return super.unlockWithTimeout(request);
	}
	setCredential(request) {
		if (refuses) return { status: 1, userIndex: null, nextCredentialIndex: null };
		return super.setCredential(request);
	}
}

const node = await ServerNode.create({
	id: "lock", network: { port: 5540 }, commissioning: { passcode: 20202021, discriminator: 3840 },
	productDescription: { name: "Virtual lock", deviceType: DoorLockDevice.deviceType },
	basicInformation: {
		vendorName: "Sashlock", vendorId: VendorId(0xfff1), productName: "Virtual Matter lock", productId: 0x8000,
		nodeLabel: "case 7", serialNumber: "virtual-7", softwareVersion: 3, softwareVersionString: "1.2.3",
	},
});
const lock = await node.add(DoorLockDevice.with(Lock, PowerSourceServer.with("Battery")), {
	id: "lock",
	doorLock: {
		lockType: DoorLock.LockType.DeadBolt, lockState: LockState.Locked, actuatorEnabled: true, operatingMode: DoorLock.OperatingMode.Normal,
		supportedOperatingModes: { normal: false, vacation: true, privacy: true, noRemoteLockUnlock: false, passage: true, alwaysSet: 2047 },
		doorState: DoorState.DoorClosed, numberOfTotalUsersSupported: USERS, numberOfPinUsersSupported: USERS, maxPinCodeLength: 8, minPinCodeLength: 4,
		credentialRulesSupport: { single: true, dual: false, tri: false }, numberOfCredentialsSupportedPerUser: 5,
		numberOfWeekDaySchedulesSupportedPerUser: 2, numberOfYearDaySchedulesSupportedPerUser: 2,
		wrongCodeEntryLimit: 5, userCodeTemporaryDisableTime: 30, requirePinForRemoteOperation: false, expiringUserTimeout: 1, autoRelockTime: 0,
	},
	powerSource: {
		status: PowerSource.PowerSourceStatus.Active, order: 0, description: "Battery", batPercentRemaining: 174,
		batChargeLevel: PowerSource.BatChargeLevel.Ok, batReplaceability: PowerSource.BatReplaceability.UserReplaceable, batReplacementNeeded: false,
	},
});
const contact = await node.add(ContactSensorDevice.with(BooleanStateServer), { id: "contact", booleanState: { stateValue: true } });
const motion = await node.add(OccupancySensorDevice.with(OccupancySensingServer.with("PassiveInfrared")), {
	id: "motion",
	occupancySensing: { occupancy: { occupied: false }, occupancySensorType: 0, occupancySensorTypeBitmap: { pir: true, ultrasonic: false, physicalContact: false } },
});
await node.start();

const nobody = { userIndex: null, fabricIndex: null, sourceNode: null, credentials: null };

// operate turns the bolt as somebody at the lock does.
function operate(lockOperationType, operationSource, user) {
	return lock.act((agent) => {
		const bolt = agent.get(Lock);
		bolt.state.lockState = lockOperationType === toLock ? LockState.Locked : LockState.Unlocked;
		const who = user === undefined ? nobody : { ...nobody, userIndex: user, credentials: [{ credentialType: 1, credentialIndex: user }] };
		bolt.events.lockOperation.emit({ lockOperationType, operationSource, ...who }, bolt.context);
	});
}

const tell = (event, payload) => lock.act((agent) => {
	const bolt = agent.get(Lock);
	bolt.events[event].emit(payload, bolt.context);
});

const set = (state) => lock.set({ doorLock: state });

// setCode puts a user and a PIN into the lock, as its own keypad menu would.
function setCode(user, code) {
	return lock.act((agent) => {
		const bolt = agent.get(Lock);
		const { auth } = bolt;
		if (auth.findUser(user)) return;
		auth.addUser({
			userIndex: user, userName: "somebody", userUniqueId: user, userStatus: 1, userType: 0, credentialRule: 0,
			credentials: [{ credentialType: 1, credentialIndex: user }], creatorFabricIndex: 1, lastModifiedFabricIndex: 1,
		});
		auth.addCredential(1, user, new Uint8Array(Buffer.from(code)), 1);
	});
}

// typeCode opens with a PIN as somebody at the keypad does. Returns whose it was, 0
// for nobody's.
async function typeCode(code) {
	const user = await lock.act((agent) => {
		const { auth } = agent.get(Lock);
		const kept = auth.credentials.find((c) => c.credentialType === 1 && Buffer.from(auth.decrypt(c.credentialData)).toString() === code);
		const whose = kept && auth.users.find((u) => u.userStatus === 1 && u.credentials.some((c) => c.credentialType === 1 && c.credentialIndex === kept.credentialIndex));
		return whose?.userIndex ?? 0;
	});
	if (user > 0) await operate(toUnlock, byKeypad, user);
	return { user };
}

// forget takes all users and PINs out of the lock.
const forget = () => lock.act((agent) => {
	const { auth } = agent.get(Lock);
	auth.clearUsers();
	auth.removeAllCredentialsOfType(1);
});

const acts = {
	ready: () => undefined,
	"manual-unlock": () => operate(toUnlock, byManual),
	"manual-lock": () => operate(toLock, byManual),
	"auto-lock": () => operate(toLock, byAuto),
	"keypad-unlock": ({ user }) => operate(toUnlock, byKeypad, Number(user)),
	"keypad-lock": ({ user }) => operate(toLock, byKeypad, Number(user)),
	"wrong-code": () => tell("lockOperationError", { lockOperationType: toUnlock, operationSource: byKeypad, operationError: 1, ...nobody }),
	tamper: () => tell("doorLockAlarm", { alarmCode: AlarmCode.FrontEsceutcheonRemoved }),
	jam: () => void (jammed = true),
	unjam: () => void (jammed = false),
	"not-fully-locked": () => set({ lockState: LockState.NotFullyLocked }),
	"door-open": () => set({ doorState: DoorState.DoorOpen }),
	"door-closed": () => set({ doorState: DoorState.DoorClosed }),
	"contact-open": () => contact.set({ booleanState: { stateValue: false } }),
	"contact-closed": () => contact.set({ booleanState: { stateValue: true } }),
	"somebody-near": () => motion.set({ occupancySensing: { occupancy: { occupied: true } } }),
	"nobody-near": () => motion.set({ occupancySensing: { occupancy: { occupied: false } } }),
	battery: ({ level }) => lock.set({ powerSource: { batPercentRemaining: 2 * Number(level) } }),
	"type-code": ({ code }) => typeCode(code),
	"refuse-codes": ({ on }) => void (refuses = on === "true"),
	"set-code": ({ user, code }) => setCode(Number(user), code),
	"auto-relock": ({ seconds }) => set({ autoRelockTime: Number(seconds) }),
	dead: () => void (silent = true),
	alive: () => void (silent = false),
	state: () => ({ bolt: LockState[lock.state.doorLock.lockState], door: DoorState[lock.state.doorLock.doorState], users: lock.state.doorLock.users?.length ?? 0 }),
	reset: async () => {
		jammed = silent = refuses = false;
		await forget();
		await lock.set({ doorLock: { lockState: LockState.Locked, doorState: DoorState.DoorClosed, autoRelockTime: 0 }, powerSource: { batPercentRemaining: 174 } });
		await contact.set({ booleanState: { stateValue: true } });
		await motion.set({ occupancySensing: { occupancy: { occupied: false } } });
	},
};

process.on("message", async ({ id, act, query }) => {
	try {
		if (!Object.hasOwn(acts, act)) throw new Error(`there is no act ${act}`);
		process.send({ id, result: await acts[act](query) });
	} catch (failure) {
		process.send({ id, failure: failure.message });
	}
});
