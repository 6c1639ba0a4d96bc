/** Skerry's own subjects, in both transports; loaded when they are measured. */
import type {
  BootSubject,
  EchoSubject,
  Entry,
  FairSubject,
  FilesSubject,
  IdleSubject,
  LateSubject,
  PayloadSubject,
  Subject,
} from '../subject.ts';

const skerry = () => import('./skerry.ts');

export type Transport = 'ring' | 'stream';
const TRANSPORTS: readonly Transport[] = ['ring', 'stream'];

export const echoEntries = (): readonly Entry<EchoSubject>[] => entries(async (t) => (await skerry()).echoServer(t));
export const lateEntries = (): readonly Entry<LateSubject>[] => entries(async (t) => (await skerry()).echoServer(t));
export const payloadEntries = (): readonly Entry<PayloadSubject>[] => entries(async (t) => (await skerry()).echoServer(t));
export const fairEntries = (): readonly Entry<FairSubject>[] => entries(async (t) => (await skerry()).echoServer(t));
export const bootEntries = (): readonly Entry<BootSubject>[] => entries(async (t) => (await skerry()).twoServers(t));
export const idleEntries = (): readonly Entry<IdleSubject>[] => entries(async (t) => (await skerry()).manyServers(t));
export const filesEntries = (): readonly Entry<FilesSubject>[] =>
  entries(async (t) => (await import('./files.ts')).fileServer(t));

/** The names of the entries, each once. */
export const namesOf = (list: readonly Entry<Subject>[]): string[] => [...new Set(list.map(({ name }) => name))];

const entries = <S extends Subject>(load: (transport: Transport) => Promise<S>): readonly Entry<S>[] =>
  TRANSPORTS.map((transport) => ({ name: `skerry-${transport}`, load: () => load(transport) }));
