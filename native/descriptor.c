// The table of an isolate's descriptors.
//
// JavaScript holds `generation << 16 | slot`, never the operating system's number: a number kept too long names a slot whose
// generation has moved on, and fails with EBADF instead of reaching a stranger's file. Freed slots are taken again in order of
// age, so that a generation comes round again as late as possible.
#include "addon.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SLOTS_MAX = 1 << 16, GENERATIONS = 1 << 14 };
static const uint32_t NONE = UINT32_MAX;

static void append_free(struct state *state, uint32_t index) {
  state->slots[index].fd = -1;
  state->slots[index].poll = NULL;
  state->slots[index].next_free = NONE;
  if (state->free_head == NONE) state->free_head = index;
  else state->slots[state->free_tail].next_free = index;
  state->free_tail = index;
}

// Makes sure that the next `count` calls of descriptor_add succeed: asked for before a system call opens anything.
bool descriptor_reserve(struct call *call, uint32_t count) {
  struct state *state = call->state;
  if (state->capacity - state->open >= count) return true;
  uint32_t capacity = state->capacity == 0 ? 16 : state->capacity * 2;
  struct descriptor *slots = capacity <= SLOTS_MAX ? realloc(state->slots, capacity * sizeof *slots) : NULL;
  if (slots == NULL) {
    int error = capacity > SLOTS_MAX ? EMFILE : ENOMEM;
    throw_errno(call->env, error, call->function, "%s with %u descriptors open", call->function, state->open);
    return false;
  }
  state->slots = slots;
  if (state->capacity == 0) state->free_head = NONE;
  for (uint32_t i = state->capacity; i < capacity; i++) {
    slots[i].generation = 1;
    append_free(state, i);
  }
  state->capacity = capacity;
  return true;
}

uint32_t descriptor_add(struct state *state, int fd) {
  uint32_t index = state->free_head;
  struct descriptor *slot = &state->slots[index];
  state->free_head = slot->next_free;
  state->open += 1;
  slot->fd = fd;
  atomic_fetch_add(&open_descriptors, 1);
  return slot->generation << 16 | index;
}

struct descriptor *descriptor_find(struct state *state, double number) {
  if (!(number >= 0 && number < (double)UINT32_MAX) || number != (double)(uint32_t)number) return NULL;
  uint32_t index = (uint32_t)number & (SLOTS_MAX - 1);
  if (index >= state->capacity) return NULL;
  struct descriptor *slot = &state->slots[index];
  return slot->fd >= 0 && slot->generation == (uint32_t)number >> 16 ? slot : NULL;
}

static void descriptor_forget(struct state *state, struct descriptor *slot);

// The poll handle goes first: a number that the operating system uses again would fire the old callback.
void descriptor_close(struct state *state, struct descriptor *slot) {
  int fd = slot->fd;
  descriptor_forget(state, slot);
  close(fd);
}

static void descriptor_forget(struct state *state, struct descriptor *slot) {
  if (slot->poll != NULL) poll_close(slot->poll);
  slot->generation = slot->generation + 1 < GENERATIONS ? slot->generation + 1 : 1;
  append_free(state, (uint32_t)(slot - state->slots));
  state->open -= 1;
  atomic_fetch_sub(&open_descriptors, 1);
}

napi_value adopt(napi_env env, napi_callback_info info) {
  struct call call;
  double number;
  call_begin(&call, env, info, "adopt");
  if (!arg_integer(&call, 0, "fileNumber", 0, INT32_MAX, &number) || !descriptor_reserve(&call, 1)) return NULL;
  int fd = (int)number;
  for (uint32_t i = 0; i < call.state->capacity; i++) {
    if (call.state->slots[i].fd != fd) continue;
    return throw_errno(env, EBUSY, "adopt", "adopt of file number %d, which is a Descriptor already,", fd);
  }
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    return throw_errno(env, errno, "fcntl", "adopt of file number %d", fd);
  }
  napi_value result = NULL;
  napi_create_uint32(env, descriptor_add(call.state, fd), &result);
  return result;
}

napi_value file_number(napi_env env, napi_callback_info info) {
  struct call call;
  call_begin(&call, env, info, "fileNumber");
  struct descriptor *descriptor = arg_descriptor(&call, 0, "descriptor");
  if (descriptor == NULL) return NULL;
  napi_value result = NULL;
  napi_create_int32(env, descriptor->fd, &result);
  return result;
}

// The number stays open; from here on it is the caller's to close.
napi_value disown(napi_env env, napi_callback_info info) {
  struct call call;
  call_begin(&call, env, info, "disown");
  struct descriptor *descriptor = arg_descriptor(&call, 0, "descriptor");
  if (descriptor == NULL) return NULL;
  napi_value result = NULL;
  napi_create_int32(env, descriptor->fd, &result);
  descriptor_forget(call.state, descriptor);
  return result;
}

napi_value close_descriptor(napi_env env, napi_callback_info info) {
  struct call call;
  call_begin(&call, env, info, "close");
  struct descriptor *descriptor = arg_descriptor(&call, 0, "descriptor");
  if (descriptor != NULL) descriptor_close(call.state, descriptor);
  return NULL;
}
