// Regions: sealed memory files, mapped as external ArrayBuffers.
//
// A region is mapped writable once, by its maker, before FUTURE_WRITE forbids every further writable map. SHRINK and GROW make its
// size constant, so a reader cannot be made to fault by the writer.
//
// Invariant: no address range is unmapped while an ArrayBuffer (or C code, see `users`) may reach it. Releasing early maps anonymous
// zero pages over it: views still held, also in a thread of the pool, read zeros.
//
// The table of maps belongs to the process. Writers hold the mutex; the fault handler reads without it: chunks are never freed, an
// entry's address is stored last.
#include "addon.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE, UNIT = 4096, CHUNK_MAPS = 256 };
static const double SIZE_MAX_BYTES = 4294967296.0 - UNIT;

struct chunk {
  struct map maps[CHUNK_MAPS];
  _Atomic(struct chunk *) next;
};
static struct chunk first_chunk;
static struct map *free_maps;
static bool first_chunk_listed;
static pthread_mutex_t maps_lock = PTHREAD_MUTEX_INITIALIZER;

// Async-signal-safe. The map that holds `address`, or NULL.
const struct map *map_at(uintptr_t address) {
  for (struct chunk *chunk = &first_chunk; chunk != NULL; chunk = atomic_load_explicit(&chunk->next, memory_order_acquire)) {
    for (int i = 0; i < CHUNK_MAPS; i++) {
      uintptr_t start = atomic_load_explicit(&chunk->maps[i].address, memory_order_acquire);
      if (start != 0 && address - start < chunk->maps[i].length) return &chunk->maps[i];
    }
  }
  return NULL;
}

static void list_free(struct chunk *chunk) {
  for (int i = CHUNK_MAPS - 1; i >= 0; i--) {
    chunk->maps[i].next_free = free_maps;
    free_maps = &chunk->maps[i];
  }
}

static struct map *map_enter(void *address, size_t length, bool writable, const char *name) {
  pthread_mutex_lock(&maps_lock);
  if (!first_chunk_listed) list_free(&first_chunk);
  first_chunk_listed = true;
  if (free_maps == NULL) {
    struct chunk *chunk = calloc(1, sizeof *chunk), *last = &first_chunk;
    if (chunk != NULL) {
      while (atomic_load(&last->next) != NULL) last = atomic_load(&last->next);
      list_free(chunk);
      atomic_store_explicit(&last->next, chunk, memory_order_release);
    }
  }
  struct map *map = free_maps;
  if (map != NULL) {
    free_maps = map->next_free;
    map->length = length;
    map->writable = writable;
    map->released = false;
    map->users = 1;
    memcpy(map->name, name, NAME_SIZE);
    atomic_store_explicit(&map->address, (uintptr_t)address, memory_order_release);
    atomic_fetch_add(&open_maps, 1);
  }
  pthread_mutex_unlock(&maps_lock);
  return map;
}

void map_unuse(struct map *map) {
  pthread_mutex_lock(&maps_lock);
  map->users -= 1;
  if (map->users == 0) {
    void *address = (void *)atomic_exchange(&map->address, 0);
    munmap(address, map->length);
    if (!map->released) atomic_fetch_sub(&open_maps, 1);
    map->next_free = free_maps;
    free_maps = map;
  }
  pthread_mutex_unlock(&maps_lock);
}

static void on_collected(napi_env env, void *data, void *hint) {
  (void)env, (void)data;
  map_unuse(hint);
}

// The map of a region's ArrayBuffer; NULL for any other value.
static struct map *buffer_map(napi_env env, napi_value buffer) {
  void *data = NULL;
  size_t length = 0;
  bool is_buffer = false;
  if (napi_is_arraybuffer(env, buffer, &is_buffer) != napi_ok || !is_buffer) return NULL;
  if (napi_get_arraybuffer_info(env, buffer, &data, &length) != napi_ok || data == NULL) return NULL;
  struct map *map = (struct map *)map_at((uintptr_t)data);
  return map != NULL && map->address == (uintptr_t)data && map->length == length ? map : NULL;
}

// Arguments `buffer, byteOffset`: words of a region, one that this process may write if `write`. The map stays in use until map_unuse.
bool arg_words(struct call *call, int index, uint32_t words, bool write, struct map **map, _Atomic(uint32_t) **first) {
  struct map *found = buffer_map(call->env, call->args[index]);
  if (found == NULL || (write && !found->writable)) {
    return bad_argument(call, index, false, "buffer", write ? "the ArrayBuffer of a region made by createRegion" : "the ArrayBuffer of a region");
  }
  double offset;
  if (!arg_integer(call, index + 1, "byteOffset", 0, (double)(found->length - 4 * words), &offset)) return false;
  if ((uint64_t)offset % 4 != 0) return bad_argument(call, index + 1, true, "byteOffset", "a multiple of 4");
  pthread_mutex_lock(&maps_lock);
  found->users += 1;
  pthread_mutex_unlock(&maps_lock);
  *map = found;
  *first = (_Atomic(uint32_t) *)(found->address + (uint64_t)offset);
  return true;
}

static napi_value map_buffer(napi_env env, void *address, size_t length, bool writable, const char *name) {
  struct map *map = map_enter(address, length, writable, name);
  if (map == NULL) {
    munmap(address, length);
    return throw_errno(env, ENOMEM, "malloc", "entering region \"%s\" into the table of maps", name);
  }
  napi_value buffer = NULL;
  napi_status status = napi_create_external_arraybuffer(env, address, length, on_collected, map, &buffer);
  if (status == napi_ok) return buffer;
  // After a generic failure Node calls the finalizer itself; after the others (an isolate that ends) it does not.
  if (status != napi_generic_failure) map_unuse(map);
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) throw_code(env, "ENOTSUP", "napi_create_external_arraybuffer", "this Node does not allow external ArrayBuffers");
  return NULL;
}

// Where the kernel knows it, the file is made not executable (some systems insist); the seal that comes with it does no harm.
static int memory_file(const char *name) {
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  return fd < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

napi_value create_region(napi_env env, napi_callback_info info) {
  struct call call;
  double size;
  char name[NAME_SIZE];
  call_begin(&call, env, info, "createRegion");
  if (!arg_integer(&call, 0, "sizeBytes", UNIT, SIZE_MAX_BYTES, &size)) return NULL;
  if ((uint64_t)size % UNIT != 0) return bad_argument(&call, 0, true, "sizeBytes", "a multiple of 4096"), NULL;
  if (!arg_name(&call, 1, "name", name) || !descriptor_reserve(&call, 1)) return NULL;
  size_t length = (size_t)size;
  int fd = memory_file(name), failed;
  if (fd < 0) return throw_errno(env, errno, "memfd_create", "memfd_create for region \"%s\"", name);
  do failed = fallocate(fd, 0, 0, (off_t)length);
  while (failed && errno == EINTR);
  if (failed) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, "fallocate", "fallocate of %zu bytes for region \"%s\"", length, name);
  }
  void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    int error = errno;
    close(fd);
    return throw_errno(env, error, "mmap", "mmap of %zu bytes for region \"%s\"", length, name);
  }
  if (fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
    int error = errno;
    munmap(address, length);
    close(fd);
    return throw_errno(env, error, "fcntl", "sealing (F_ADD_SEALS) of region \"%s\"", name);
  }
  uint32_t number = descriptor_add(call.state, fd);
  napi_value buffer = map_buffer(env, address, length, true, name), descriptor = NULL, result = NULL;
  if (buffer == NULL) {
    struct descriptor *slot = descriptor_find(call.state, number);
    if (slot != NULL) descriptor_close(call.state, slot);
    return NULL;
  }
  napi_create_uint32(env, number, &descriptor);
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "buffer", buffer);
  napi_set_named_property(env, result, "descriptor", descriptor);
  return result;
}

static bool is_sealed(int fd) {
  int seals = fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & SEALS) == SEALS;
}

napi_value inspect_region(napi_env env, napi_callback_info info) {
  struct call call;
  struct stat status;
  call_begin(&call, env, info, "inspectRegion");
  struct descriptor *descriptor = arg_descriptor(&call, 0, "descriptor");
  if (descriptor == NULL) return NULL;
  if (fstat(descriptor->fd, &status) < 0) return throw_errno(env, errno, "fstat", "inspectRegion");
  napi_value size = NULL, sealed = NULL, result = NULL;
  napi_create_double(env, (double)status.st_size, &size);
  napi_get_boolean(env, is_sealed(descriptor->fd), &sealed);
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "sizeBytes", size);
  napi_set_named_property(env, result, "sealed", sealed);
  return result;
}

napi_value map_region(napi_env env, napi_callback_info info) {
  struct call call;
  struct stat status;
  char name[NAME_SIZE];
  call_begin(&call, env, info, "mapRegion");
  struct descriptor *descriptor = arg_descriptor(&call, 0, "descriptor");
  if (descriptor == NULL || !arg_name(&call, 1, "name", name)) return NULL;
  if (!is_sealed(descriptor->fd)) return throw_errno(env, EINVAL, "mmap", "mapRegion of \"%s\", which is not a sealed region,", name);
  if (fstat(descriptor->fd, &status) < 0) return throw_errno(env, errno, "fstat", "mapRegion of \"%s\"", name);
  if (status.st_size < UNIT || (double)status.st_size > SIZE_MAX_BYTES || status.st_size % UNIT != 0) {
    return throw_errno(env, EINVAL, "mmap", "mapRegion of \"%s\", whose size is %lld bytes,", name, (long long)status.st_size);
  }
  size_t length = (size_t)status.st_size;
  void *address = mmap(NULL, length, PROT_READ, MAP_SHARED, descriptor->fd, 0);
  if (address == MAP_FAILED) return throw_errno(env, errno, "mmap", "mmap of %zu bytes of region \"%s\"", length, name);
  return map_buffer(env, address, length, false, name);
}

// The pages put in place are as writable as the region was, and shared, since private writable ones count against RLIMIT_DATA:
// a server at its limit must be able to give memory back.
napi_value release_region(napi_env env, napi_callback_info info) {
  struct call call;
  call_begin(&call, env, info, "releaseRegion");
  struct map *map = buffer_map(env, call.args[0]);
  if (map == NULL) return bad_argument(&call, 0, false, "buffer", "the ArrayBuffer of a region"), NULL;
  if (map->released) return NULL;
  int protection = map->writable ? PROT_READ | PROT_WRITE : PROT_READ;
  void *address = (void *)map->address;
  if (mmap(address, map->length, protection, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED) {
    return throw_errno(env, errno, "mmap", "release of region \"%s\"", map->name);
  }
  map->released = true;
  atomic_fetch_sub(&open_maps, 1);
  return NULL;
}
