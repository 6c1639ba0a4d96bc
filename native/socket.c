// Doorbells (pipes) and control sockets (SEQPACKET pairs that carry descriptors).
//
// Whatever descriptors a message brings are in the isolate's table before anything else happens, so that none is lost when the isolate
// ends or an error is thrown. No call here blocks.
#include "addon.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static napi_value number_value(napi_env env, uint32_t number) {
  napi_value value = NULL;
  napi_create_uint32(env, number, &value);
  return value;
}

static napi_value boolean_value(napi_env env, bool boolean) {
  napi_value value = NULL;
  napi_get_boolean(env, boolean, &value);
  return value;
}

napi_value make_pipe(napi_env env, napi_callback_info info) {
  struct call call;
  int ends[2];
  call_begin(&call, env, info, "pipe");
  if (!descriptor_reserve(&call, 2)) return NULL;
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0) return throw_errno(env, errno, "pipe2", "pipe for a doorbell");
  uint32_t read_end = descriptor_add(call.state, ends[0]), write_end = descriptor_add(call.state, ends[1]);
  napi_value result = NULL;
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "read", number_value(env, read_end));
  napi_set_named_property(env, result, "write", number_value(env, write_end));
  return result;
}

napi_value ring(napi_env env, napi_callback_info info) {
  struct call call;
  ssize_t written;
  call_begin(&call, env, info, "ring");
  struct descriptor *bell = arg_descriptor(&call, 0, "write");
  if (bell == NULL) return NULL;
  do written = write(bell->fd, "", 1);
  while (written < 0 && errno == EINTR);
  if (written < 0 && errno != EAGAIN && errno != EPIPE) return throw_errno(env, errno, "write", "ring of a doorbell");
  return boolean_value(env, written == 1 || errno == EAGAIN);
}

napi_value socket_pair(napi_env env, napi_callback_info info) {
  struct call call;
  int ends[2];
  call_begin(&call, env, info, "socketPair");
  if (!descriptor_reserve(&call, 2)) return NULL;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0) {
    return throw_errno(env, errno, "socketpair", "socketpair for a control socket");
  }
  uint32_t numbers[2] = {descriptor_add(call.state, ends[0]), descriptor_add(call.state, ends[1])};
  napi_value result = NULL;
  napi_create_array_with_length(env, 2, &result);
  for (uint32_t i = 0; i < 2; i++) napi_set_element(env, result, i, number_value(env, numbers[i]));
  return result;
}

// The operating system's numbers of an array of Descriptors. Elements are read first (a getter may run) and looked up after.
static bool arg_descriptors(struct call *call, int index, int fds[MESSAGE_DESCRIPTORS_MAX], uint32_t *count) {
  bool is_array = false;
  double numbers[MESSAGE_DESCRIPTORS_MAX];
  napi_is_array(call->env, call->args[index], &is_array);
  if (!is_array) return bad_argument(call, index, false, "descriptors", "an array of Descriptors");
  if (napi_get_array_length(call->env, call->args[index], count) != napi_ok) return false;
  if (*count > MESSAGE_DESCRIPTORS_MAX) return bad_argument(call, index, true, "descriptors", "an array of at most 8 Descriptors");
  for (uint32_t i = 0; i < *count; i++) {
    napi_value element = NULL;
    if (napi_get_element(call->env, call->args[index], i, &element) != napi_ok) return false;
    if (napi_get_value_double(call->env, element, &numbers[i]) != napi_ok) {
      return bad_argument(call, index, false, "descriptors", "an array of Descriptors");
    }
  }
  for (uint32_t i = 0; i < *count; i++) {
    struct descriptor *descriptor = descriptor_find(call->state, numbers[i]);
    if (descriptor == NULL) {
      throw_errno(call->env, EBADF, "sendmsg", "send of descriptor %.15g, which is not open,", numbers[i]);
      return false;
    }
    fds[i] = descriptor->fd;
  }
  return true;
}

union control {
  struct cmsghdr align;
  char bytes[CMSG_SPACE(MESSAGE_DESCRIPTORS_MAX * sizeof(int))];
};

napi_value send_message(napi_env env, napi_callback_info info) {
  struct call call;
  int fds[MESSAGE_DESCRIPTORS_MAX];
  uint32_t count = 0;
  call_begin(&call, env, info, "send");
  if (!arg_descriptors(&call, 2, fds, &count)) return NULL;
  napi_typedarray_type type = napi_int8_array;
  struct iovec bytes = {0};
  napi_status status = napi_get_typedarray_info(env, call.args[1], &type, &bytes.iov_len, &bytes.iov_base, NULL, NULL);
  if (status != napi_ok || type != napi_uint8_array) return bad_argument(&call, 1, false, "bytes", "a Uint8Array"), NULL;
  if (bytes.iov_len == 0) return bad_argument(&call, 1, true, "bytes", "at least one byte (an empty message looks like a hang-up)"), NULL;
  struct descriptor *socket = arg_descriptor(&call, 0, "socket");
  if (socket == NULL) return NULL;

  union control control = {0};
  struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
  if (count > 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(header), fds, count * sizeof(int));
  }
  ssize_t sent;
  do sent = sendmsg(socket->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN) {
    return throw_errno(env, errno, "sendmsg", "send of %zu bytes and %u descriptors", bytes.iov_len, count);
  }
  return boolean_value(env, sent >= 0);
}

// recvmsg gives 0 for the end and for an empty message of a peer that breaks the rules: it is the end when the peer has hung up and
// no byte waits behind.
static bool is_end(int fd) {
  struct pollfd query = {.fd = fd, .events = POLLRDHUP};
  int waiting = 0;
  return poll(&query, 1, 0) == 1 && (query.revents & (POLLRDHUP | POLLHUP)) != 0 && ioctl(fd, FIONREAD, &waiting) == 0 && waiting == 0;
}

napi_value receive_message(napi_env env, napi_callback_info info) {
  struct call call;
  call_begin(&call, env, info, "receive");
  struct state *state = call.state;
  if (!descriptor_reserve(&call, MESSAGE_DESCRIPTORS_MAX)) return NULL;
  struct descriptor *socket = arg_descriptor(&call, 0, "socket");
  if (socket == NULL) return NULL;

  union control control;
  struct iovec bytes = {.iov_base = state->buffer, .iov_len = MESSAGE_BYTES_MAX};
  struct msghdr message;
  ssize_t length;
  // ECONNRESET comes once, ahead of messages still waiting, when the peer died with something unread: read on to the end.
  do {
    message = (struct msghdr){.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    length = recvmsg(socket->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (length < 0 && (errno == EINTR || errno == ECONNRESET));
  if (length < 0) return errno == EAGAIN ? NULL : throw_errno(env, errno, "recvmsg", "receive");

  uint32_t numbers[MESSAGE_DESCRIPTORS_MAX], count = 0;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    for (size_t offset = 0; CMSG_LEN(offset + sizeof(int)) <= header->cmsg_len; offset += sizeof(int)) {
      int fd;
      memcpy(&fd, CMSG_DATA(header) + offset, sizeof fd);
      numbers[count++] = descriptor_add(state, fd);
    }
  }
  napi_value result = NULL, buffer = NULL, view = NULL, descriptors = NULL;
  if (length == 0 && count == 0 && is_end(socket->fd)) {
    if (socket->poll != NULL) poll_hung_up(socket->poll);
    napi_get_null(env, &result);
    return result;
  }
  void *copy = NULL;
  if (napi_create_arraybuffer(env, (size_t)length, &copy, &buffer) != napi_ok) return NULL;
  if (length > 0) memcpy(copy, state->buffer, (size_t)length);
  napi_create_typedarray(env, napi_uint8_array, (size_t)length, buffer, 0, &view);
  napi_create_array_with_length(env, count, &descriptors);
  for (uint32_t i = 0; i < count; i++) napi_set_element(env, descriptors, i, number_value(env, numbers[i]));
  napi_create_object(env, &result);
  napi_set_named_property(env, result, "bytes", view);
  napi_set_named_property(env, result, "descriptors", descriptors);
  napi_set_named_property(env, result, "truncated", boolean_value(env, (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0));
  return result;
}
