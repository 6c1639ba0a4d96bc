// Registration, and the life of an isolate's state.
//
// The state is made when an isolate loads the addon and reaches each function as its data pointer. It ends in an asynchronous clean-up
// hook: descriptors are closed at once, libuv handles by uv_close, and Node waits with the loop's end until the last close callback
// has run (a poll handle that is still open when a worker's loop closes aborts the whole process).
#include "addon.h"

#include <stdlib.h>

atomic_int open_descriptors, open_maps, open_watches;

uv_handle_t *owned_handle(struct owned *owned) { return (uv_handle_t *)owned->handle; }

struct owned *handle_owner(uv_handle_t *handle) {
  return (struct owned *)((unsigned char *)handle - offsetof(struct owned, handle));
}

// Until the caller has initialised the handle (and counted it in state->handles), it may still simply be freed.
struct owned *owned_new(struct state *state, int type, void *user) {
  struct owned *owned = calloc(1, sizeof *owned + uv_handle_size(type));
  if (owned != NULL) *owned = (struct owned){.state = state, .user = user};
  return owned;
}

static void state_free(struct state *state) {
  napi_async_cleanup_hook_handle hook = state->hook;
  free(state->slots);
  free(state->buffer);
  free(state);
  napi_remove_async_cleanup_hook(hook);
}

static void on_closed(uv_handle_t *handle) {
  struct owned *owned = handle_owner(handle);
  struct state *state = owned->state;
  free(owned->user);
  free(owned);
  state->handles -= 1;
  if (state->ending && state->handles == 0) state_free(state);
}

void owned_close(struct owned *owned) { uv_close(owned_handle(owned), on_closed); }

static void on_isolate_end(napi_async_cleanup_hook_handle hook, void *data) {
  struct state *state = data;
  state->hook = hook;
  state->ending = true;
  loop_close(state);
  pulses_close(state);
  for (uint32_t i = 0; i < state->capacity; i++) {
    if (state->slots[i].fd >= 0) descriptor_close(state, &state->slots[i]);
  }
  if (state->handles == 0) state_free(state);
}

static napi_value counters(napi_env env, napi_callback_info info) {
  (void)info;
  const struct { const char *name; atomic_int *value; } fields[] = {
    {"descriptors", &open_descriptors}, {"maps", &open_maps}, {"watches", &open_watches}};
  napi_value result = NULL;
  napi_create_object(env, &result);
  for (size_t i = 0; i < 3; i++) {
    napi_value value = NULL;
    napi_create_int32(env, atomic_load(fields[i].value), &value);
    napi_set_named_property(env, result, fields[i].name, value);
  }
  return result;
}

NAPI_MODULE_INIT() {
  static const struct { const char *name; napi_callback call; } functions[] = {
    {"createRegion", create_region}, {"inspectRegion", inspect_region}, {"mapRegion", map_region}, {"releaseRegion", release_region},
    {"pipe", make_pipe}, {"ring", ring}, {"socketPair", socket_pair}, {"send", send_message}, {"receive", receive_message},
    {"adopt", adopt}, {"fileNumber", file_number}, {"disown", disown}, {"close", close_descriptor},
    {"watch", watch}, {"setWatchRef", set_watch_ref}, {"unwatch", unwatch}, {"watchWritable", watch_writable},
    {"guardParent", guard_parent}, {"setDumpable", set_dumpable}, {"limitData", limit_data},
    {"limitFiles", limit_files}, {"listenTcp", listen_tcp}, {"listenUnix", listen_unix},
    {"becomeSubreaper", become_subreaper}, {"reap", reap}, {"peerCredentials", peer_credentials},
    {"watchLoop", watch_loop}, {"watchPulse", watch_pulse}, {"unwatchPulse", unwatch_pulse},
    {"installFaultHandler", install_fault_handler}, {"counters", counters}};
  struct state *state = calloc(1, sizeof *state);
  if (state != NULL) state->buffer = malloc(MESSAGE_BYTES_MAX);
  if (state == NULL || state->buffer == NULL || napi_get_uv_event_loop(env, &state->loop) != napi_ok ||
      napi_add_async_cleanup_hook(env, on_isolate_end, state, &state->hook) != napi_ok) {
    if (state != NULL) free(state->buffer);
    free(state);
    return throw_code(env, "ENOMEM", "malloc", "skerry's addon could not be set up in this isolate");
  }
  state->env = env;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value value = NULL;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, state, &value);
    napi_set_named_property(env, exports, functions[i].name, value);
  }
  return exports;
}
