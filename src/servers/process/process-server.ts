// The process server: evaluates the system module and looks after its servers. It is the supervisor with eyes (pipes, status regions) and with
// a voice (operations.ts); what it decides, supervisor.ts says.

import { nowMs } from '../../base/clock.ts';
import { SkerryError } from '../../base/errors.ts';
import { Ticker } from '../../base/ticker.ts';
import type { Link } from '../../link/link.ts';
import { BLACK_BOX_BYTES } from '../../memory/black-box.ts';
import type { Descriptor, NativeAddon } from '../../memory/native.ts';
import { mapRegion, type Region, RegionKind } from '../../memory/region.ts';
import { watchPulse } from '../../memory/status.ts';
import {
  type BirthConfig,
  type ErrorInfo,
  errorInfo,
  type FromProcessServer,
  type InstanceEvent,
} from '../../protocol/control.ts';
import type { LaunchEvent } from '../../protocol/program.ts';
import type { QuarantinedCall } from '../../protocol/quarantine.ts';
import type { Instance } from '../../server/instance.ts';
import { loadSystem, systemEvaluated } from '../../server/load.ts';
import type { DeathPolicy } from '../../server/supervision.ts';
import { inspect } from './inspection.ts';
import { watchLimits } from './limit-watch.ts';
import { Logs } from './logs.ts';
import { Operations } from './operations.ts';
import { Programs } from './programs.ts';
import { type Supervised, title } from './supervised.ts';
import { asInit, Supervisor } from './supervisor.ts';

const OWN_SLOT = 0;
/** How long the system's own code may keep this process busy at a time: its module, and its policy. */
const MODULE_MS = 30_000;
const POLICY_MS = 10_000;

export class ProcessServer implements Instance {
  readonly #link: Link;
  readonly #config: BirthConfig;
  readonly #addon: NativeAddon | undefined;
  readonly #logs = new Logs();
  readonly #operations: Operations;
  #programs: Programs | undefined;
  /** What the system's own module consists of, as far as it is told. */
  readonly #systemModules = new Set<string>();
  readonly #supervisor: Supervisor;
  readonly #ticker = new Ticker();
  #stopping = false;

  /** @param addon maps status regions and takes the pipes that come with them; undefined over streams. */
  constructor(link: Link, config: BirthConfig, addon: NativeAddon | undefined) {
    this.#link = link;
    this.#config = config;
    this.#addon = addon;
    const { book } = this.#logs;
    const send = (message: FromProcessServer) => link.send(message);
    const supervisor = new Supervisor({
      send,
      changed: (entry) => this.#operations.changed(entry),
      onBootFailed: (error) => this.#bootFailed(error),
    });
    this.#supervisor = supervisor;
    const orders = {
      systemModules: this.#systemModules,
      inspect: (supervised: Supervised, on: boolean) => inspect(supervised, on, book, send),
      trace: (supervised: Supervised, on: boolean) => this.#trace(supervised, on),
      stopSystem: () => link.send({ t: 'stop' }),
    };
    this.#operations = new Operations(supervisor, orders, link, book, config);
  }

  async run(): Promise<void> {
    try {
      this.#announce(MODULE_MS);
      const system = await loadSystem(this.#config.systemUrl);
      const over = () => this.#announce(0);
      systemEvaluated().then(over, over);
      const declarations = this.#supervisor.plan({ ...system, onDeath: this.#unhurried(system.onDeath) });
      const { generation } = this.#config.endpoint;
      this.#programs = new Programs(system.programs, this.#addon, (...message) => this.#link.send(...message), generation);
      const spares = process.env.SKERRY_DEV === '1' ? 0 : system.spares; // what changes must be loaded anew there
      this.#link.send({ t: 'declare', servers: declarations, spares });
    } catch (error) {
      this.#link.send({ t: 'bootFailed', error: asInit(errorInfo(error), 'the system module could not be loaded') });
    }
  }

  init(): void {}

  /** Its loop makes no turn for so long, at most; 0: it turns again. */
  #announce(ms: number): void {
    this.#link.carrier.status.markLongTask(nowMs(), ms);
  }

  #unhurried(policy: DeathPolicy | undefined): DeathPolicy | undefined {
    return (
      policy &&
      ((death) => {
        this.#announce(POLICY_MS);
        try {
          return policy(death);
        } finally {
          this.#announce(0);
        }
      })
    );
  }

  onDeclared(resumed: boolean): void {
    // Not earlier: orders are about what is known now.
    if (this.#programs !== undefined) this.#operations.serve(this.#programs.api());
    this.#supervisor.begin(resumed);
  }

  onInstance(slot: number, event: InstanceEvent, descriptors: readonly Descriptor[] = []): void {
    const supervised = this.#supervisor.bySlot(slot);
    if (slot === OWN_SLOT && event.what === 'loaded') for (const url of event.urls) this.#systemModules.add(url);
    if (event.what === 'kept') return this.#supervisor.keep(slot, event);
    if (supervised === undefined) return this.#link.discard(descriptors);
    switch (event.what) {
      case 'born':
        supervised.pid = event.pid;
        supervised.generation = event.generation;
        return this.#readOutput(supervised, descriptors);
      case 'status':
        return this.#mapStatus(supervised, descriptors);
      case 'manifest':
        return this.#supervisor.onManifest(supervised, event.uses);
      case 'ready':
        this.#watchLimits(supervised, event.concurrency);
        return this.#supervisor.onReady(supervised);
      case 'loaded':
        for (const url of event.urls) supervised.modules.add(url);
        return;
      case 'inspecting':
        for (const heard of supervised.onInspecting.splice(0)) heard(event.url);
        return;
      case 'failed':
        return this.#supervisor.onFailed(supervised, event);
      case 'died':
        return this.#supervisor.onDeath(supervised, event);
    }
  }

  onSpares(pids: readonly number[]): void {
    this.#operations.spares = pids;
  }

  onQuarantined(call: QuarantinedCall, isNew: boolean): void {
    this.#operations.quarantine.add(call, isNew);
  }

  onPardoned(id: number): void {
    this.#operations.quarantine.gone(id);
  }

  onProgram(id: number, event: LaunchEvent): void {
    this.#programs?.onEvent(id, event);
  }

  /** Stops all: programs, then servers, users before those they use. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#supervisor.stopStarting();
    const programs = this.#programs?.stop();
    if (programs !== undefined) await programs;
    await this.#supervisor.stopAll();
    await this.#logs.settled();
    this.#operations.close();
    this.#link.send({ t: 'stopped' });
  }

  #readOutput({ name, replica, ...rest }: Supervised, [stdout, stderr]: readonly Descriptor[]): void {
    const addon = this.#addon;
    if (addon === undefined || stdout === undefined || stderr === undefined) return;
    this.#logs.read(addon, { stdout, stderr }, { name, replica }, title({ name, replica, ...rest }));
  }

  #mapStatus(supervised: Supervised, [descriptor, bell, box]: readonly Descriptor[]): void {
    const addon = this.#addon;
    if (addon === undefined || descriptor === undefined || bell === undefined) return;
    const { slot } = supervised;
    supervised.onDeath.push(() => {
      supervised.ring = undefined;
      addon.close(bell);
    });
    try {
      supervised.status = mapRegion(addon, descriptor, RegionKind.status, `${title(supervised)} status`);
      if (box !== undefined) supervised.box = mapBox(addon, box, `${title(supervised)} black box`);
    } catch (error) {
      // Its own header is written over, or there is no memory: it cannot be looked after.
      const reason = `its status region cannot be read: ${(error as Error).message}`;
      return this.#link.send({ t: 'kill', slot, reason, ordered: false });
    }
    supervised.ring = () => void addon.ring(bell);
  }

  /** While this instance lives. */
  #watchLimits(supervised: Supervised, concurrency: number): void {
    const { slot, generation, pid, entry } = supervised;
    const addon = this.#addon;
    const isSame = () => supervised.generation === generation && supervised.pid === pid;
    const unwatch = watchLimits(
      {
        pid,
        limits: entry.limits ?? {},
        concurrency,
        status: () => (isSame() ? supervised.status : undefined),
        onDoubt: addon && ((region, ms, look) => watchPulse(addon, region, ms, look)),
        ring: () => supervised.ring?.(),
        end: (reason) => {
          unwatch();
          if (isSame()) this.#link.send({ t: 'kill', slot, reason, ordered: false });
        },
      },
      this.#ticker,
      nowMs,
    );
    supervised.onDeath.push(unwatch);
  }

  #trace(supervised: Supervised, on: boolean): void {
    const { slot, pid } = supervised;
    if (pid !== 0) this.#link.send({ t: 'trace', slot, on });
  }

  #bootFailed(error: ErrorInfo): void {
    this.#logs.settled().then(() => this.#link.send({ t: 'bootFailed', error }));
  }
}

/** @throws SKERRY_CORRUPT when it is none, or has fewer bytes than its layout. */
function mapBox(addon: NativeAddon, descriptor: Descriptor, name: string): Region {
  const box = mapRegion(addon, descriptor, RegionKind.blackBox, name);
  if (box.sizeBytes >= BLACK_BOX_BYTES) return box;
  box.release();
  throw new SkerryError('SKERRY_CORRUPT', `region "${name}" has ${box.sizeBytes} bytes; it must have ${BLACK_BOX_BYTES}`);
}
