// The public names of Skerry, one by one.

export { isSkerryError, SkerryError, type SkerryErrorCode } from './base/errors.ts';
export type { MapOptions, MapOutcome, MapProgress } from './rpc/map.ts';
export type { CallOptions } from './rpc/remote-server.ts';
export type { Logger, ServerContext } from './server/context.ts';
export {
  type Manifest,
  type Method,
  type MethodOptions,
  method,
  options,
  type ServerDefinition,
  server,
  type Uses,
  uses,
} from './server/definition.ts';
export type { ListenOptions } from './server/listen.ts';
export type { ProgramEntries, ProgramEntry, ProgramLimits } from './server/programs.ts';
export type { Remote } from './server/remote.ts';
export type {
  DeathDecision,
  DeathPolicy,
  GroupEntry,
  RestartPolicy,
  ServerDeath,
  Strategy,
} from './server/supervision.ts';
export { type ServerEntry, type System, type SystemOptions, system } from './server/system.ts';
export type { FileChange, FileEntry, FileStat, FilesApi } from './servers/files/files-api.ts';
export type { InstanceState, ProcessEntry } from './servers/process/process-api.ts';
export type { ProgramEndReason, ProgramExit, ProgramStatus } from './servers/process/programs-api.ts';
export { type BootOptions, boot } from './system/boot.ts';
export { call, notify } from './system/call.ts';
export { map } from './system/map.ts';
export type { OperatingSystem, UserSystem } from './system/operating-system.ts';
export type { CreateProcessOptions, Program } from './system/program.ts';
