// What the parts of the addon share: the state of one isolate, the checks of arguments, the errors.
//
// The contract is src/memory/native.ts. Only Node-API version 8 is used, so that one binary serves every Node; the few functions of
// libuv are declared by hand, with opaque handles whose sizes are asked at run time.
//
// Invariant: whatever an isolate opens hangs on its `struct state` (descriptors, libuv handles) or on an ArrayBuffer's finalizer
// (maps), so that nothing is left behind however the isolate ends.
#ifndef SKERRY_ADDON_H
#define SKERRY_ADDON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define NAPI_VERSION 8
#include <errno.h>
#include <node_api.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// ---- libuv: the values are part of its stable interface; `void *data` is the first field of every handle.
typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
enum { UV_CHECK = 2, UV_POLL = 8, UV_PREPARE = 9, UV_TIMER = 13 };
enum { UV_READABLE = 1, UV_WRITABLE = 2, UV_DISCONNECT = 4 };
size_t uv_handle_size(int type);
void uv_close(uv_handle_t *handle, void (*on_closed)(uv_handle_t *handle));
void uv_ref(uv_handle_t *handle);
void uv_unref(uv_handle_t *handle);
int uv_poll_init(uv_loop_t *loop, uv_handle_t *handle, int fd);
int uv_poll_start(uv_handle_t *handle, int events, void (*on_event)(uv_handle_t *handle, int status, int events));
int uv_poll_stop(uv_handle_t *handle);
int uv_prepare_init(uv_loop_t *loop, uv_handle_t *handle);
int uv_prepare_start(uv_handle_t *handle, void (*on_prepare)(uv_handle_t *handle));
int uv_check_init(uv_loop_t *loop, uv_handle_t *handle);
int uv_check_start(uv_handle_t *handle, void (*on_check)(uv_handle_t *handle));
uint64_t uv_now(const uv_loop_t *loop);
int uv_timer_init(uv_loop_t *loop, uv_handle_t *handle);
int uv_timer_start(uv_handle_t *handle, void (*on_time)(uv_handle_t *handle), uint64_t timeout_ms, uint64_t repeat_ms);
const char *uv_err_name(int error);

// ---- The state of one isolate. It outlives the last of its libuv handles.
enum { NAME_SIZE = 64, MESSAGE_BYTES_MAX = 256 * 1024, MESSAGE_DESCRIPTORS_MAX = 8 };

struct poll;
struct loop_watch;
struct pulse;

struct descriptor {
  int fd;  // -1: this slot is free
  uint32_t generation;
  uint32_t next_free;
  struct poll *poll;  // NULL: nobody watches
};

struct state {
  napi_env env;
  uv_loop_t *loop;
  napi_async_cleanup_hook_handle hook;
  struct descriptor *slots;
  uint32_t capacity, open, free_head, free_tail;
  uint64_t watch_serial;
  struct loop_watch *loop_watch;
  struct pulse *pulses;
  uint32_t handles;  // libuv handles not yet freed
  bool ending;
  uint8_t *buffer;  // MESSAGE_BYTES_MAX bytes: messages and the bytes of doorbells pass through it
};

// A libuv handle, in one block with what it belongs to. `user` is freed with it, after the close callback.
struct owned {
  struct state *state;
  void *user;
  _Alignas(16) unsigned char handle[];
};
uv_handle_t *owned_handle(struct owned *owned);
struct owned *handle_owner(uv_handle_t *handle);
struct owned *owned_new(struct state *state, int type, void *user);
void owned_close(struct owned *owned);

// ---- One call from JavaScript, and its arguments. Each `arg_` function throws and returns false (NULL) when the value is wrong.
struct call {
  napi_env env;
  struct state *state;
  const char *function;
  size_t count;
  napi_value args[4];
};
void call_begin(struct call *call, napi_env env, napi_callback_info info, const char *function);
bool arg_integer(struct call *call, int index, const char *name, double min, double max, double *value);
bool arg_boolean(struct call *call, int index, const char *name, bool *value);
bool arg_function(struct call *call, int index, const char *name);
bool arg_name(struct call *call, int index, const char *name, char text[NAME_SIZE]);
struct descriptor *arg_descriptor(struct call *call, int index, const char *name);
bool bad_argument(struct call *call, int index, bool range, const char *name, const char *expected);

// ---- Errors: `code`, `syscall` and a message that says what was attempted. Both return NULL.
napi_value throw_code(napi_env env, const char *code, const char *syscall, const char *message);
napi_value throw_errno(napi_env env, int error, const char *syscall, const char *format, ...) __attribute__((format(printf, 4, 5)));

// ---- descriptor.c
bool descriptor_reserve(struct call *call, uint32_t count);
uint32_t descriptor_add(struct state *state, int fd);
struct descriptor *descriptor_find(struct state *state, double number);
void descriptor_close(struct state *state, struct descriptor *descriptor);

// ---- region.c: every region that this process has mapped, whatever isolate it belongs to.
struct map {
  _Atomic(uintptr_t) address;  // 0: this entry is free. Written last, so that a signal handler may read the rest.
  size_t length;
  bool writable, released;
  uint32_t users;  // the ArrayBuffer, and who writes or reads the region from C; the range is unmapped with the last
  struct map *next_free;
  char name[NAME_SIZE];
};
const struct map *map_at(uintptr_t address);
bool arg_words(struct call *call, int buffer_index, uint32_t words, bool write, struct map **map, _Atomic(uint32_t) **first);
void map_unuse(struct map *map);

// ---- post-mortem.c
void post_mortem_prepare(void);
bool is_out_of_memory(const void *context);
uint32_t anonymous_kib(void);

// ---- watch.c
void call_back(napi_env env, napi_value callback, size_t count, const napi_value *args);
void poll_close(struct poll *poll);
void poll_hung_up(struct poll *poll);

// ---- loop.c writes the words of this isolate's event loop, pulse.c reads others'.
enum { LOOP_PHASE, LOOP_TURNS, LOOP_CHANGED_MS, LOOP_WORDS };
enum { LOOP_RUNNING = 1, LOOP_WAITING = 2 };
enum { PULSE_PERIOD_MAX_MS = 24 * 3600 * 1000 };
void loop_close(struct state *state);
void loop_mark_running(struct state *state);
void pulses_close(struct state *state);

// ---- What is open in the whole process.
extern atomic_int open_descriptors, open_maps, open_watches;

// ---- The functions that JavaScript sees.
typedef napi_value function(napi_env env, napi_callback_info info);
function create_region, inspect_region, map_region, release_region;
function make_pipe, ring, socket_pair, send_message, receive_message;
function adopt, file_number, disown, close_descriptor, listen_tcp, listen_unix;
function watch, set_watch_ref, unwatch, watch_writable;
function guard_parent, set_dumpable, limit_data, limit_files, become_subreaper, reap, peer_credentials;
function watch_loop, watch_pulse, unwatch_pulse, install_fault_handler;

#endif
