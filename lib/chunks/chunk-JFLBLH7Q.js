// dist/src/channel/control/port.js
var DESCRIPTORS_MAX = 8;
var HUNG_UP = "the peer hung up";
var MESSAGE_MAX_BYTES = 128 * 1024;

// dist/src/memory/status.js
var STATUS_REGION_BYTES = 4096;
var StatusWord = {
  phase: 32,
  turns: 33,
  phaseSinceMs: 34,
  fatalSignal: 40,
  peakRssKb: 41,
  running: 64,
  queued: 65,
  started: 66,
  failed: 67
};
var LOOP_WORDS_OFFSET = StatusWord.phase * 4;
var FAULT_WORDS_OFFSET = StatusWord.fatalSignal * 4;
var StatusCounters = class {
  running = 0;
  queued = 0;
  started = 0;
  failed = 0;
  #words;
  constructor(region) {
    this.#words = region?.i32;
  }
  publish() {
    const words = this.#words;
    if (words === void 0)
      return;
    words[StatusWord.running] = this.running;
    words[StatusWord.queued] = this.queued;
    words[StatusWord.started] = this.started;
    words[StatusWord.failed] = this.failed;
  }
};
function readStatus(region) {
  const running = region.i32[StatusWord.running];
  const queued = region.i32[StatusWord.queued];
  return { running: running > 0 ? running : 0, queued: queued > 0 ? queued : 0 };
}

export {
  DESCRIPTORS_MAX,
  HUNG_UP,
  MESSAGE_MAX_BYTES,
  STATUS_REGION_BYTES,
  StatusWord,
  LOOP_WORDS_OFFSET,
  FAULT_WORDS_OFFSET,
  StatusCounters,
  readStatus
};
