// SPDX-License-Identifier: Apache-2.0
//
// The simulated locks. Z-Wave JS brings the radio, the encryption and answers
// to most questions; this file adds what makes a lock of it: a bolt that moves
// and may jam, a door contact, a battery, a keypad.

import {
	BatteryCCGet,
	BatteryCCReport,
	DoorLockCCOperationGet,
	DoorLockCCOperationReport,
	DoorLockCCOperationSet,
	DoorLockMode,
	DoorLockOperationType,
	KeypadMode,
	NotificationCCGet,
	NotificationCCReport,
	Security2CC,
	Security2CCNonceGet,
	Security2CCNonceReport,
	SupervisionCC,
	SupervisionCCReport,
	UserCodeCCExtendedUserCodeSet,
	UserCodeCCSet,
	UserIDStatus,
} from "@zwave-js/cc";
import { CommandClasses, Duration, SecurityClass, SPANState } from "@zwave-js/core";
import { createMockZWaveRequestFrame, MockZWaveFrameType } from "@zwave-js/testing";

// Notification types and events, by the numbers of the Z-Wave registry.
const ACCESS = 6, SECURITY = 7;
const BY_HAND_LOCK = 1, BY_HAND_UNLOCK = 2, RF_LOCK = 3, RF_UNLOCK = 4, KEYPAD_LOCK = 5, KEYPAD_UNLOCK = 6;
const AUTO_LOCK = 9, JAMMED = 11, CODE_DELETED = 13, CODE_ADDED = 14, KEYPAD_DISABLED = 16, DOOR_OPEN = 22, DOOR_CLOSED = 23;
const COVER_REMOVED = 3, INVALID_CODE = 4;

/** How long a message is on the air, in milliseconds. */
const FRAME_TIME = Number(process.env.ZWAVE_FRAME_MS ?? 40);

/** The most codes that one of the locks keeps. */
const MAX_USERS = 10;

/** Wrong codes in a row after which a keypad goes to sleep. */
const MAX_WRONG_CODES = 5;

/** The keys under which the radio's own behaviours keep a lock's state. */
const MODE = "DoorLock_currentMode";
const TYPE = "DoorLock_operationType";
const TIMEOUT = "DoorLock_lockTimeoutConfiguration";
const codeKey = (user) => `UserCode_userCode_${user}`;
const statusKey = (user) => `UserCode_userIdStatus_${user}`;

// Maker and product numbers are those of real locks, so that Z-Wave JS names
// them from its own device database and applies its own quirks for them.
export const models = [
	{ node: 2, maker: "Kwikset", ids: [0x0090, 0x0001, 0x0642], travel: 300 },
	{ node: 3, maker: "Yale", ids: [0x0129, 0x8002, 0x0600], travel: 300, secure: true, users: 5 },
	{ node: 4, maker: "Schlage", ids: [0x003b, 0x6341, 0x5044], travel: 0, schedules: true },
].map((model) => ({ ...model, capabilities: capabilities(model) }));

/** What a lock says it can do. A secure one speaks S2 and confirms commands. */
function capabilities({ ids, secure = false, schedules = false, users = MAX_USERS }) {
	const [manufacturerId, productType, productId] = ids;
	const cc = (name, version, more = {}) => ({
		ccId: CommandClasses[name],
		version,
		isSupported: true,
		secure,
		...more,
	});
	const commandClasses = [
		cc("Z-Wave Plus Info", 2, { secure: false }),
		cc("Manufacturer Specific", 1, { secure: false }),
		cc("Version", 2),
		cc("Door Lock", 4, {
			supportedOperationTypes: [DoorLockOperationType.Constant, DoorLockOperationType.Timed],
			supportedDoorLockModes: [DoorLockMode.Unsecured, DoorLockMode.UnsecuredWithTimeout, DoorLockMode.Secured],
			doorSupported: true,
			boltSupported: true,
			latchSupported: false,
		}),
		cc("User Code", 2, {
			numUsers: users,
			supportsAdminCode: false,
			supportedASCIIChars: "0123456789",
			supportedUserIDStatuses: [UserIDStatus.Available, UserIDStatus.Enabled, UserIDStatus.Disabled],
			supportedKeypadModes: [KeypadMode.Normal],
		}),
		cc("Battery", 1),
		cc("Notification", 8, {
			supportsV1Alarm: false,
			notificationTypesAndEvents: {
				[ACCESS]: [1, 2, 3, 4, 5, 6, 9, 11, 13, 14, 16, 22, 23],
				[SECURITY]: [3, 4],
			},
		}),
	];
	if (schedules) {
		commandClasses.push(cc("Schedule Entry Lock", 3, { numWeekDaySlots: 7, numYearDaySlots: 1, numDailyRepeatingSlots: 0 }));
	}
	if (secure) {
		commandClasses.push(cc("Security 2", 1, { secure: false }), cc("Supervision", 1, { secure: false }));
	}
	return {
		manufacturerId,
		productType,
		productId,
		basicDeviceClass: 4, // routing end node
		genericDeviceClass: 0x40, // entry control
		specificDeviceClass: 0x03, // secure keypad door lock
		firmwareVersion: "3.3",
		isListening: true,
		isFrequentListening: false,
		securityClasses: secure ? new Set([SecurityClass.S2_AccessControl]) : undefined,
		commandClasses,
	};
}

/** One lock: the physical things about it, and how it tells of them. */
export class Lock {
	#model;
	#node;
	#controller;
	#jammed = false;
	#refuses = false; // it keeps no code it is sent
	#doorOpen = false;
	#level = 87;
	#wrongCodes = 0;
	#move; // timer of a bolt on its way
	#relock; // timer of a timed release
	#sending = Promise.resolve(); // ends when all that was to be sent has been
	#session = 0; // number of the next supervised message
	#answered = () => {}; // takes whether the controller could read the one under way

	constructor(model, node, controller) {
		this.#model = model;
		this.#node = node;
		this.#controller = controller;
		node.state.set(MODE, DoorLockMode.Secured);
	}

	// ---- what hands and fingers do -------------------------------------------------

	async byHand(secured) {
		await this.#turn(secured);
		await this.#notify(ACCESS, secured ? BY_HAND_LOCK : BY_HAND_UNLOCK);
	}

	async byKeypad(secured, user) {
		this.#wrongCodes = 0;
		await this.#turn(secured);
		// Which user it was travels as the head of a User Code report.
		const who = Buffer.from([CommandClasses["User Code"], 0x03, user]);
		await this.#notify(ACCESS, secured ? KEYPAD_LOCK : KEYPAD_UNLOCK, who);
	}

	async bySelf() {
		await this.#turn(true);
		await this.#notify(ACCESS, AUTO_LOCK);
	}

	async door(open) {
		this.#doorOpen = open;
		await this.#notify(ACCESS, open ? DOOR_OPEN : DOOR_CLOSED);
	}

	async wrongCode() {
		await this.#notify(SECURITY, INVALID_CODE);
		if (++this.#wrongCodes % MAX_WRONG_CODES === 0) await this.#notify(ACCESS, KEYPAD_DISABLED);
	}

	async cover(removed) {
		await this.#notify(SECURITY, removed ? COVER_REMOVED : 0, removed ? undefined : Buffer.from([COVER_REMOVED]));
	}

	/** Blocks or frees the bolt. Nothing is sent: a jam shows when it is to move. */
	jam(jammed) {
		this.#jammed = jammed;
	}

	/** Takes the lock off the air or puts it back. */
	radio(on) {
		this.#node.autoAckControllerFrames = on;
	}

	async battery(level) {
		this.#level = level;
		await this.#send(this.#batteryReport());
	}

	/** Stores or, when empty, deletes a code, as somebody at the keypad would. */
	async setCode(user, code) {
		if (code !== "" && !/^\d{4,8}$/.test(code)) throw new RangeError("code must be 4 to 8 digits");
		if (user < 1 || user > MAX_USERS) throw new RangeError(`user must be 1 to ${MAX_USERS}`);
		this.#node.state.set(codeKey(user), code === "" ? undefined : code);
		this.#node.state.set(statusKey(user), code === "" ? UserIDStatus.Available : UserIDStatus.Enabled);
		await this.#notify(ACCESS, code === "" ? CODE_DELETED : CODE_ADDED);
	}

	/** Somebody types a code: it opens, or it does not. Returns whose code it was, 0 for nobody's. */
	async typeCode(code) {
		for (let user = 1; user <= MAX_USERS; user++) {
			if (code === this.#node.state.get(codeKey(user)) && this.#node.state.get(statusKey(user)) === UserIDStatus.Enabled) {
				await this.byKeypad(false, user);
				return { user };
			}
		}
		await this.wrongCode();
		return { user: 0 };
	}

	/** Has it keep no code it is sent by radio, or keep them again. */
	refuseCodes(on) {
		this.#refuses = on;
	}

	/** Makes it as it was at first: locked, shut, whole, without codes. */
	async reset() {
		this.#jammed = this.#refuses = false;
		for (let user = 1; user <= MAX_USERS; user++) {
			this.#node.state.set(codeKey(user), undefined);
			this.#node.state.set(statusKey(user), UserIDStatus.Available);
		}
		this.#level = 87;
		await this.cover(false);
		await this.door(false);
		await this.byHand(true);
		await this.battery(87);
	}

	get node() {
		return this.#node.id;
	}

	/** How the lock really stands, for a test to compare with what is shown. */
	state() {
		const slots = [];
		for (let user = 1; user <= MAX_USERS; user++) {
			if (this.#node.state.get(codeKey(user))) slots.push(user);
		}
		return {
			node: this.#node.id,
			maker: this.#model.maker,
			bolt: this.#mode() === DoorLockMode.Secured ? "locked" : "unlocked",
			door: this.#doorOpen ? "open" : "closed",
			jammed: this.#jammed,
			battery: this.#level,
			slots,
		};
	}

	// ---- what the radio asks and orders ---------------------------------------------

	behaviour() {
		const answer = (cc) => ({ action: "sendCC", cc });
		return {
			handleCC: (_controller, _node, cc) => {
				// A lock that is off the air does not hear.
				if (!this.#node.autoAckControllerFrames) return { action: "stop" };
				if (cc instanceof Security2CCNonceReport && cc.SOS) return this.#hear(false);
				if (cc instanceof SupervisionCCReport) return this.#hear(true);
				if (this.#refuses && storesCode(cc)) return { action: "fail" };
				if (cc instanceof DoorLockCCOperationSet) return this.#order(cc);
				if (cc instanceof DoorLockCCOperationGet) return answer(this.#operationReport());
				if (cc instanceof BatteryCCGet) return answer(this.#batteryReport());
				if (cc instanceof NotificationCCGet) {
					return answer(
						new NotificationCCReport({
							nodeId: this.#controller.ownNodeId,
							notificationType: cc.notificationType,
							notificationEvent: 0,
						}),
					);
				}
			},
		};
	}

	/** Takes note of whether the controller could read what it was sent. */
	#hear(understood) {
		this.#answered(understood);
		return { action: "stop" };
	}

	/** Moves the bolt as ordered; the report follows when it has arrived. */
	#order(cc) {
		if (this.#jammed) {
			later(150, () => this.#notify(ACCESS, JAMMED));
			return { action: "fail" }; // heard only by who asked for supervision
		}
		const secured = cc.mode === DoorLockMode.Secured;
		this.#stay();
		this.#move = later(this.#model.travel, async () => {
			this.#node.state.set(MODE, cc.mode);
			await this.#send(this.#operationReport());
			await this.#notify(ACCESS, secured ? RF_LOCK : RF_UNLOCK);
		});
		const timeout = this.#node.state.get(TIMEOUT);
		if (cc.mode === DoorLockMode.UnsecuredWithTimeout && timeout > 0) {
			this.#relock = later(this.#model.travel + timeout * 1000, () => this.bySelf());
		}
		return { action: "ok" };
	}

	/** Forgets about moves that were to come. */
	#stay() {
		clearTimeout(this.#move);
		clearTimeout(this.#relock);
	}

	async #turn(secured) {
		this.#stay();
		this.#node.state.set(MODE, secured ? DoorLockMode.Secured : DoorLockMode.Unsecured);
		await this.#send(this.#operationReport());
	}

	#mode() {
		return this.#node.state.get(MODE);
	}

	#operationReport() {
		const mode = this.#mode();
		const secured = mode === DoorLockMode.Secured;
		return new DoorLockCCOperationReport({
			nodeId: this.#controller.ownNodeId,
			currentMode: mode,
			targetMode: mode,
			duration: new Duration(0, "seconds"),
			outsideHandlesCanOpenDoor: [!secured, false, false, false],
			insideHandlesCanOpenDoor: [true, false, false, false],
			doorStatus: this.#doorOpen ? "open" : "closed",
			boltStatus: secured ? "locked" : "unlocked",
			latchStatus: "closed",
		});
	}

	#batteryReport() {
		const low = this.#level < 10;
		return new BatteryCCReport({ nodeId: this.#controller.ownNodeId, level: this.#level, isLow: low });
	}

	async #notify(type, event, parameters) {
		await this.#send(
			new NotificationCCReport({
				nodeId: this.#controller.ownNodeId,
				notificationType: type,
				notificationEvent: event,
				eventParameters: parameters,
			}),
		);
	}

	/** Sends a message of the lock's own accord, one after the other. */
	#send(cc) {
		this.#sending = this.#sending.then(() => this.#transmit(cc));
		return this.#sending;
	}

	async #transmit(cc) {
		if (!this.#node.autoAckControllerFrames) return; // off the air
		if (!this.#model.secure) return this.#say(cc);
		const session = this.#session;
		this.#session = (session + 1) % 64;
		for (let attempt = 0; attempt < 5; attempt++) {
			await this.#agree();
			if (await this.#sayEncrypted(SupervisionCC.encapsulate(cc, session, false))) return;
		}
	}

	/**
	 * Puts a message on the air. It is over when the controller has acknowledged it, so
	 * that an act is over when it was heard: whoever asks afterwards is not told of it
	 * as of news. What nobody acknowledges is given up after a second, as a lock would.
	 */
	async #say(cc) {
		await this.#node.sendToController(createMockZWaveRequestFrame(cc)).catch(() => {});
		await sleep(FRAME_TIME);
	}

	/**
	 * Sends a supervised message and waits until the controller confirms that it has
	 * read it. Returns whether it need not be sent again: when both sides speak at
	 * once they can lose step in their encryption, and the controller says so.
	 */
	async #sayEncrypted(cc) {
		const frame = Security2CC.encapsulate(cc, this.#node.id, this.#node.securityManagers);
		const answer = new Promise((resolve) => (this.#answered = resolve));
		const serialize = frame.serialize.bind(frame);
		frame.serialize = (context) =>
			serialize(context).catch((error) => {
				this.#answered(false); // the two had lost step before it went out
				throw error;
			});
		await this.#say(frame);
		return (await Promise.race([answer, sleep(2000)])) ?? true;
	}

	/**
	 * Has the two sides agree on how to encrypt. A lock that could not read a message
	 * has told the controller so, which mends it with its next message; where none
	 * comes the lock asks for it.
	 */
	async #agree() {
		const astray = () => {
			const { type } = this.#node.securityManagers.securityManager2.getSPANState(this.#controller.ownNodeId);
			return type === SPANState.None || type === SPANState.LocalEI;
		};
		for (let wait = 0; astray() && wait < 10; wait++) await sleep(50);
		if (!astray()) return;
		const ask = new Security2CCNonceGet({ nodeId: this.#controller.ownNodeId });
		await this.#node.sendToController(createMockZWaveRequestFrame(ask, { ackRequested: false }));
		const answers = (frame) => frame.type === MockZWaveFrameType.Request && frame.payload instanceof Security2CCNonceReport;
		await this.#node.expectControllerFrame(answers, { timeout: 1000 }).catch(() => {});
	}
}

/** Whether a message stores a code, and does not delete one. */
function storesCode(cc) {
	const all = cc instanceof UserCodeCCSet ? [cc] : cc instanceof UserCodeCCExtendedUserCodeSet ? cc.userCodes : [];
	return all.some((code) => code.userIdStatus !== UserIDStatus.Available);
}

const sleep = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

/** Runs act after so many milliseconds; what goes wrong is told, not thrown. */
function later(milliseconds, act) {
	return setTimeout(() => Promise.resolve(act()).catch((error) => console.error("lock:", error.message)), milliseconds);
}
