// Closes descriptors once no message that waits in a control port still carries them: a message that is queued for a process that is
// slow to read must arrive whole.

import type { Descriptor, NativeAddon } from '../memory/native.ts';

const LOOK_AGAIN_MS = 20;

export class Closer {
  readonly #addon: NativeAddon | undefined;
  readonly #isQueued: (descriptor: Descriptor) => boolean;

  constructor(addon: NativeAddon | undefined, isQueued: (descriptor: Descriptor) => boolean) {
    this.#addon = addon;
    this.#isQueued = isQueued;
  }

  close(descriptor: Descriptor): void {
    if (this.#isQueued(descriptor)) setTimeout(() => this.close(descriptor), LOOK_AGAIN_MS);
    else this.#addon?.close(descriptor);
  }
}
