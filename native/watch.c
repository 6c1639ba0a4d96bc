// Watches: a descriptor that is ready calls back from the isolate's event loop.
//
// There is one poll handle for a descriptor, with two sides: readable (a doorbell or a socket) and writable (once). JavaScript holds
// `serial << 17 | slot << 1 | side`; serials are never used again, so a watch kept too long does nothing.
//
// Invariant: a descriptor's poll handle is stopped before the descriptor is closed, and its memory goes with its close callback, which
// runs later than any callback on the stack.
#include "addon.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIDE, WRITE_SIDE };

struct side {
  uint64_t serial;  // 0: nobody watches this side
  napi_ref callback;
  bool keep_alive;
};

struct poll {
  struct state *state;
  struct owned *owned;
  uint32_t index;  // of the descriptor
  struct side sides[2];
  bool bell;
  bool hung_up;  // nothing can ever come: the readable side falls silent, where epoll would report the end for ever
  bool closed;
};

static void on_event(uv_handle_t *handle, int status, int events);

static struct descriptor *poll_descriptor(struct poll *poll) { return &poll->state->slots[poll->index]; }

static bool is_armed(const struct poll *poll, int side) {
  return poll->sides[side].serial != 0 && (side == WRITE_SIDE || !poll->hung_up);
}

static void poll_update_ref(struct poll *poll) {
  bool keep_alive = false;
  for (int side = READ_SIDE; side <= WRITE_SIDE; side++) keep_alive |= is_armed(poll, side) && poll->sides[side].keep_alive;
  if (keep_alive) uv_ref(owned_handle(poll->owned));
  else uv_unref(owned_handle(poll->owned));
}

// Brings libuv's handle in line with the sides. Each start costs a system call or two: not for a change of keep_alive alone.
static int poll_arm(struct poll *poll) {
  bool read = is_armed(poll, READ_SIDE), write = is_armed(poll, WRITE_SIDE);
  uv_handle_t *handle = owned_handle(poll->owned);
  poll_update_ref(poll);
  if (!read && !write) return uv_poll_stop(handle);
  return uv_poll_start(handle, (read ? UV_READABLE | UV_DISCONNECT : 0) | (write ? UV_WRITABLE : 0), on_event);
}

static void side_drop(struct poll *poll, int side) {
  if (poll->sides[side].serial == 0) return;
  napi_delete_reference(poll->state->env, poll->sides[side].callback);
  poll->sides[side].serial = 0;
  atomic_fetch_sub(&open_watches, 1);
}

void poll_close(struct poll *poll) {
  side_drop(poll, READ_SIDE);
  side_drop(poll, WRITE_SIDE);
  poll->closed = true;
  poll_descriptor(poll)->poll = NULL;
  uv_poll_stop(owned_handle(poll->owned));
  owned_close(poll->owned);
}

static void side_remove(struct poll *poll, int side) {
  side_drop(poll, side);
  if (poll->sides[READ_SIDE].serial == 0 && poll->sides[WRITE_SIDE].serial == 0) poll_close(poll);
  else poll_arm(poll);
}

void poll_hung_up(struct poll *poll) {
  poll->hung_up = true;
  poll_arm(poll);
}

// An exception becomes an uncaught one.
void call_back(napi_env env, napi_value callback, size_t count, const napi_value *args) {
  napi_value global = NULL, exception = NULL;
  napi_get_global(env, &global);
  if (napi_make_callback(env, NULL, global, callback, count, args, NULL) != napi_pending_exception) return;
  if (napi_get_and_clear_last_exception(env, &exception) == napi_ok) napi_fatal_exception(env, exception);
}

// Empties a doorbell (a pipe holds less than the buffer; should a peer have enlarged it, the rest comes with the next turn).
// Returns whether to call back.
static bool bell_taken(struct poll *poll) {
  ssize_t taken = read(poll_descriptor(poll)->fd, poll->state->buffer, MESSAGE_BYTES_MAX);
  if (taken == 0) poll_hung_up(poll);
  return taken >= 0;
}

static void on_event(uv_handle_t *handle, int status, int events) {
  struct owned *owned = handle_owner(handle);
  struct poll *poll = owned->user;
  napi_env env = owned->state->env;
  napi_handle_scope scope;
  napi_value callback = NULL;
  // A pending socket error makes libuv stop the handle and report EBADF; the callbacks find out by their next call.
  if (status < 0) events = UV_READABLE | UV_WRITABLE;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  loop_mark_running(owned->state);
  const struct side *reading = &poll->sides[READ_SIDE], *writing = &poll->sides[WRITE_SIDE];
  if (reading->serial != 0 && (events & (UV_READABLE | UV_DISCONNECT)) != 0 && (!poll->bell || bell_taken(poll))) {
    napi_get_reference_value(env, reading->callback, &callback);
    call_back(env, callback, 0, NULL);
  }
  if (writing->serial != 0 && (events & UV_WRITABLE) != 0) {
    napi_get_reference_value(env, writing->callback, &callback);
    side_remove(poll, WRITE_SIDE);
    call_back(env, callback, 0, NULL);
  }
  if (status < 0 && !poll->closed) poll_arm(poll);
  napi_close_handle_scope(env, scope);
}

static struct poll *poll_open(struct call *call, struct descriptor *descriptor) {
  struct state *state = call->state;
  struct poll *poll = calloc(1, sizeof *poll);
  struct owned *owned = poll != NULL ? owned_new(state, UV_POLL, poll) : NULL;
  int failed = owned != NULL ? uv_poll_init(state->loop, owned_handle(owned), descriptor->fd) : -ENOMEM;
  if (failed) {
    free(owned);
    free(poll);
    throw_errno(call->env, -failed, "uv_poll_init", "%s", call->function);
    return NULL;
  }
  state->handles += 1;
  *poll = (struct poll){.state = state, .owned = owned, .index = (uint32_t)(descriptor - state->slots)};
  descriptor->poll = poll;
  return poll;
}

static napi_value add_side(struct call *call, struct descriptor *descriptor, int side, bool bell, napi_value callback) {
  struct poll *poll = descriptor->poll;
  if (poll != NULL && poll->sides[side].serial != 0) {
    return throw_errno(call->env, EEXIST, call->function, "%s of a descriptor that is watched already", call->function);
  }
  if (poll == NULL) poll = poll_open(call, descriptor);
  if (poll == NULL) return NULL;
  struct side *added = &poll->sides[side];
  napi_create_reference(call->env, callback, 1, &added->callback);
  added->serial = ++call->state->watch_serial;
  added->keep_alive = true;
  atomic_fetch_add(&open_watches, 1);
  if (side == READ_SIDE) poll->bell = bell;
  int failed = poll_arm(poll);
  if (failed) {
    side_remove(poll, side);
    return throw_errno(call->env, -failed, "uv_poll_start", "%s", call->function);
  }
  napi_value result = NULL;
  napi_create_double(call->env, (double)(added->serial << 17 | poll->index << 1 | (uint32_t)side), &result);
  return result;
}

napi_value watch(napi_env env, napi_callback_info info) {
  struct call call;
  char kind[16] = "";
  call_begin(&call, env, info, "watch");
  struct descriptor *descriptor = arg_descriptor(&call, 0, "descriptor");
  if (descriptor == NULL) return NULL;
  napi_get_value_string_utf8(env, call.args[1], kind, sizeof kind, NULL);
  bool bell = strcmp(kind, "bell") == 0;
  if (!bell && strcmp(kind, "socket") != 0) return bad_argument(&call, 1, false, "kind", "'bell' or 'socket'"), NULL;
  if (!arg_function(&call, 2, "onReady")) return NULL;
  return add_side(&call, descriptor, READ_SIDE, bell, call.args[2]);
}

napi_value watch_writable(napi_env env, napi_callback_info info) {
  struct call call;
  call_begin(&call, env, info, "watchWritable");
  struct descriptor *descriptor = arg_descriptor(&call, 0, "socket");
  if (descriptor == NULL || !arg_function(&call, 1, "onWritable")) return NULL;
  return add_side(&call, descriptor, WRITE_SIDE, false, call.args[1]);
}

// The poll handle and side of a watch. `*poll` is NULL for a watch that has ended.
static bool arg_watch(struct call *call, struct poll **poll, int *side) {
  double number;
  if (!arg_integer(call, 0, "watch", 1, 9007199254740991.0, &number)) return false;
  uint64_t watch = (uint64_t)number, index = watch >> 1 & 0xffff;
  struct poll *found = index < call->state->capacity ? call->state->slots[index].poll : NULL;
  *side = (int)(watch & 1);
  *poll = found != NULL && watch >> 17 != 0 && found->sides[*side].serial == watch >> 17 ? found : NULL;
  return true;
}

napi_value set_watch_ref(napi_env env, napi_callback_info info) {
  struct call call;
  struct poll *poll;
  int side;
  bool keep_alive;
  call_begin(&call, env, info, "setWatchRef");
  if (!arg_watch(&call, &poll, &side) || !arg_boolean(&call, 1, "keepAlive", &keep_alive) || poll == NULL) return NULL;
  poll->sides[side].keep_alive = keep_alive;
  poll_update_ref(poll);
  return NULL;
}

napi_value unwatch(napi_env env, napi_callback_info info) {
  struct call call;
  struct poll *poll;
  int side;
  call_begin(&call, env, info, "unwatch");
  if (arg_watch(&call, &poll, &side) && poll != NULL) side_remove(poll, side);
  return NULL;
}
