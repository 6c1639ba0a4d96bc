// Looks at the event loops of others, by the words that loop.c writes in theirs. A look that finds all well costs this process a wake-up
// of libuv's and no more: JavaScript and Node's timers, which would be most of its price, come in only when there is a doubt.
//
// All looks of one process with one period come together, at a time of the period that is its own: those who look at each other do not
// meet at work. This leans on uv_now() being the monotonic clock, as it is on Linux; were it another one, the looks would still be a
// period apart.
//
// Invariant: the region stays mapped while a look's timer stands (struct map, `users`).
#include "addon.h"

#include <stdlib.h>
#include <unistd.h>

// Processes that start one after another look at times far from each other.
enum { SPREAD = 7919 };

struct pulse {
  struct pulse *next;
  struct owned *timer;
  struct map *map;
  const _Atomic(uint32_t) *words;
  uint64_t serial, period_ms, shift_ms;
  uint32_t turns;  // at the last look
  uint32_t well;   // looks since JavaScript was called
  napi_ref callback;
};

static void on_time(uv_handle_t *handle);

// However late a look was, the next one comes three quarters of a period after it at least.
static void schedule(struct pulse *pulse) {
  uint64_t period = pulse->period_ms;
  uint64_t past = (uv_now(pulse->timer->state->loop) + pulse->shift_ms) % period;
  uint64_t wait = period - past;
  if (wait < period - period / 4) wait += period;
  uv_timer_start(owned_handle(pulse->timer), on_time, wait, 0);
}

// What the callback does may end the watch: `pulse` is not touched after it.
static void on_time(uv_handle_t *handle) {
  struct owned *timer = handle_owner(handle);
  struct pulse *pulse = timer->user;
  napi_env env = timer->state->env;
  uint32_t before = pulse->turns, well = pulse->well;
  uint32_t turns = atomic_load_explicit(&pulse->words[LOOP_TURNS], memory_order_relaxed);
  uint32_t phase = atomic_load_explicit(&pulse->words[LOOP_PHASE], memory_order_acquire);
  bool is_well = turns != before && phase == LOOP_WAITING && well < UINT32_MAX;
  pulse->turns = turns;
  pulse->well = is_well ? well + 1 : 0;
  schedule(pulse);
  napi_handle_scope scope;
  if (is_well || napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value callback = NULL, args[2] = {NULL, NULL};
  napi_get_reference_value(env, pulse->callback, &callback);
  napi_create_uint32(env, well, &args[0]);
  napi_create_int32(env, (int32_t)before, &args[1]);
  call_back(env, callback, 2, args);
  napi_close_handle_scope(env, scope);
}

static void pulse_close(struct state *state, struct pulse **link) {
  struct pulse *pulse = *link;
  *link = pulse->next;
  napi_delete_reference(state->env, pulse->callback);
  atomic_fetch_sub(&open_watches, 1);
  struct map *map = pulse->map;
  owned_close(pulse->timer);
  map_unuse(map);
}

void pulses_close(struct state *state) {
  while (state->pulses != NULL) pulse_close(state, &state->pulses);
}

napi_value watch_pulse(napi_env env, napi_callback_info info) {
  struct call call;
  double period_ms;
  struct map *map;
  _Atomic(uint32_t) *words;
  call_begin(&call, env, info, "watchPulse");
  if (!arg_integer(&call, 2, "periodMs", 1, PULSE_PERIOD_MAX_MS, &period_ms) || !arg_function(&call, 3, "onDoubt")) return NULL;
  if (!arg_words(&call, 0, LOOP_WORDS, false, &map, &words)) return NULL;
  struct state *state = call.state;
  struct pulse *pulse = calloc(1, sizeof *pulse);
  struct owned *timer = pulse != NULL ? owned_new(state, UV_TIMER, pulse) : NULL;
  if (timer == NULL) {
    free(pulse);
    map_unuse(map);
    return throw_errno(env, ENOMEM, "malloc", "watchPulse");
  }
  *pulse = (struct pulse){.next = state->pulses, .timer = timer, .map = map, .words = words, .period_ms = (uint64_t)period_ms};
  pulse->shift_ms = (uint64_t)getpid() * SPREAD % pulse->period_ms;
  pulse->serial = ++state->watch_serial;
  pulse->turns = atomic_load_explicit(&words[LOOP_TURNS], memory_order_relaxed);
  napi_create_reference(env, call.args[3], 1, &pulse->callback);
  state->pulses = pulse;
  state->handles += 1;
  atomic_fetch_add(&open_watches, 1);
  uv_timer_init(state->loop, owned_handle(timer));
  uv_unref(owned_handle(timer));
  schedule(pulse);
  napi_value result = NULL;
  napi_create_double(env, (double)pulse->serial, &result);
  return result;
}

napi_value unwatch_pulse(napi_env env, napi_callback_info info) {
  struct call call;
  double number;
  call_begin(&call, env, info, "unwatchPulse");
  if (!arg_integer(&call, 0, "pulse", 1, 9007199254740991.0, &number)) return NULL;
  for (struct pulse **link = &call.state->pulses; *link != NULL; link = &(*link)->next) {
    if ((*link)->serial != (uint64_t)number) continue;
    pulse_close(call.state, link);
    break;
  }
  return NULL;
}
