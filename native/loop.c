// The phase of an isolate's event loop, in a region that others read: a hang is seen without a message.
//
// uv_prepare runs just before the loop waits for events, uv_check just after. libuv calls back for sockets and files while it
// still is between the two; our own watches mark the phase themselves. So phase 2 that lasts is no proof that nothing runs: ring the
// server's doorbell, and a loop that really waits takes a turn.
//
// Invariant: the region stays mapped while the handles write into it (struct map, `users`).
#include "addon.h"

#include <stdlib.h>
#include <time.h>

struct loop_watch {
  struct map *map;
  _Atomic(uint32_t) *words;
  struct owned *prepare, *check;
};

static void mark(_Atomic(uint32_t) *words, uint32_t phase) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
  atomic_store_explicit(&words[LOOP_CHANGED_MS], (uint32_t)now_ms & 0x7fffffff, memory_order_relaxed);
  atomic_store_explicit(&words[LOOP_PHASE], phase, memory_order_release);
}

void loop_mark_running(struct state *state) {
  struct loop_watch *watch = state->loop_watch;
  if (watch != NULL && atomic_load_explicit(&watch->words[LOOP_PHASE], memory_order_relaxed) != LOOP_RUNNING) mark(watch->words, LOOP_RUNNING);
}

static void on_prepare(uv_handle_t *handle) { mark(handle_owner(handle)->state->loop_watch->words, LOOP_WAITING); }

static void on_check(uv_handle_t *handle) {
  struct state *state = handle_owner(handle)->state;
  atomic_fetch_add_explicit(&state->loop_watch->words[LOOP_TURNS], 1, memory_order_relaxed);
  loop_mark_running(state);
}

void loop_close(struct state *state) {
  struct loop_watch *watch = state->loop_watch;
  if (watch == NULL) return;
  owned_close(watch->prepare);
  owned_close(watch->check);
  map_unuse(watch->map);
  free(watch);
  state->loop_watch = NULL;
}

napi_value watch_loop(napi_env env, napi_callback_info info) {
  struct call call;
  struct map *map;
  _Atomic(uint32_t) *words;
  call_begin(&call, env, info, "watchLoop");
  if (!arg_words(&call, 0, LOOP_WORDS, true, &map, &words)) return NULL;
  struct state *state = call.state;
  loop_close(state);  // a second call moves to other words
  struct loop_watch *watch = calloc(1, sizeof *watch);
  struct owned *prepare = owned_new(state, UV_PREPARE, NULL), *check = owned_new(state, UV_CHECK, NULL);
  if (watch == NULL || prepare == NULL || check == NULL) {
    free(watch);
    free(prepare);
    free(check);
    map_unuse(map);
    return throw_errno(env, ENOMEM, "malloc", "watchLoop");
  }
  *watch = (struct loop_watch){.map = map, .words = words, .prepare = prepare, .check = check};
  state->loop_watch = watch;
  state->handles += 2;
  mark(words, LOOP_RUNNING);
  uv_prepare_init(state->loop, owned_handle(prepare));
  uv_check_init(state->loop, owned_handle(check));
  uv_prepare_start(owned_handle(prepare), on_prepare);
  uv_check_start(owned_handle(check), on_check);
  uv_unref(owned_handle(prepare));
  uv_unref(owned_handle(check));
  return NULL;
}
