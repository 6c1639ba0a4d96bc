// `skerry/test`: how the author of a server tests it.

export { clock, type TestClock } from './testing/clock.ts';
export { type Fake, type Mounted, type MountOptions, mount } from './testing/mount.ts';
