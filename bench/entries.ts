/**
 * Who takes part in what: the subjects of each kind of benchmark, Skerry first. A library is loaded when it is measured.
 */
import type { Peer } from './peers/peer.ts';
import type { BootSubject, EchoSubject, Entry, FilesSubject, LateSubject, PayloadSubject } from './subject.ts';
import * as skerry from './subjects/index.ts';

export interface EchoOptions {
  /** How many calls are in flight: pools that hand their worker several tasks at once are told so. */
  readonly inFlight: number;
}

function peerEntries({ inFlight }: EchoOptions): readonly Entry<Peer>[] {
  const postMessage = () => import('./peers/post-message.ts');
  const childProcess = () => import('./peers/child-process.ts');
  const piscina = () => import('./peers/piscina.ts');
  const workerpool = () => import('./peers/workerpool.ts');
  return [
    { name: 'postMessage', load: async () => (await postMessage()).postMessage() },
    { name: 'child_process', variant: 'json', load: async () => (await childProcess()).childProcess('json') },
    { name: 'child_process', variant: 'advanced', load: async () => (await childProcess()).childProcess('advanced') },
    { name: 'piscina', variant: 'atomics sync', load: async () => (await piscina()).piscina(inFlight, 'sync') },
    { name: 'piscina', variant: 'atomics disabled', load: async () => (await piscina()).piscina(inFlight, 'disabled') },
    { name: 'tinypool', load: async () => (await import('./peers/tinypool.ts')).tinypool(inFlight) },
    { name: 'workerpool-thread', load: async () => (await workerpool()).workerpool('thread') },
    { name: 'workerpool-process', load: async () => (await workerpool()).workerpool('process') },
    { name: 'poolifier', load: async () => (await import('./peers/poolifier.ts')).poolifier() },
    { name: 'comlink', load: async () => (await import('./peers/comlink.ts')).comlink() },
  ];
}

export const echoEntries = (options: EchoOptions): readonly Entry<EchoSubject>[] => [
  ...skerry.echoEntries(),
  ...peerEntries(options),
];

export const lateEntries = (): readonly Entry<LateSubject>[] => [...skerry.lateEntries(), ...peerEntries({ inFlight: 1 })];

export function payloadEntries(): readonly Entry<PayloadSubject>[] {
  const raw = () => import('./peers/post-message.ts');
  const piscina = () => import('./peers/piscina.ts');
  return [
    ...skerry.payloadEntries(),
    { name: 'postMessage', load: async () => (await raw()).postMessageBytes('clone') },
    { name: 'postMessage-transfer', load: async () => (await raw()).postMessageBytes('transfer') },
    { name: 'SharedArrayBuffer', load: async () => (await raw()).postMessageBytes('shared') },
    { name: 'piscina', load: async () => (await piscina()).piscinaBytes('clone') },
    { name: 'piscina-move', load: async () => (await piscina()).piscinaBytes('move') },
  ];
}

export function bootEntries(): readonly Entry<BootSubject>[] {
  const startable = peerEntries({ inFlight: 1 }).filter(
    ({ name, variant }) => name === 'postMessage' || (name === 'child_process' && variant === 'json'),
  );
  return [...skerry.bootEntries(), ...startable.map(asPair)];
}

export function filesEntries(): readonly Entry<FilesSubject>[] {
  return [...skerry.filesEntries(), { name: 'fs.promises', load: async () => (await import('./subjects/files.ts')).directly() }];
}

const namesOf = skerry.namesOf;
export const filesNames = namesOf(filesEntries());
export const echoNames = namesOf(echoEntries({ inFlight: 1 }));
export const lateNames = namesOf(lateEntries());
export const payloadNames = namesOf(payloadEntries());
export const bootNames = namesOf(bootEntries());

function asPair({ name, load }: Entry<Peer>): Entry<BootSubject> {
  return {
    name,
    async load() {
      const { pair } = await import('./peers/pair.ts');
      return pair(name, load);
    },
  };
}
